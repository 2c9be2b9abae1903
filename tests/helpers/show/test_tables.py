"""Tables and sizes as plain text."""

import pytest

from helpers import show


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (54_240_000, "54.2 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (52_000_000_000, "52.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_size(n_bytes, text):
    assert show.size(n_bytes) == text


def test_a_table_aligns_columns_and_right_aligns_numbers(capsys):
    show.table([{"tag": "v1", "bytes": 5}, {"tag": "latest", "bytes": 1234, "unused": 1}], ["tag", "bytes"])
    show.table([("a", None)], ["first", "second"])
    assert capsys.readouterr().out.splitlines() == [
        "tag     bytes",
        "──────  ─────",
        "v1          5",
        "latest   1234",
        "first  second",
        "─────  ──────",
        "a",
    ]


def test_an_empty_table_has_a_heading_only(capsys):
    show.table([], ["tag", "digest"])
    assert capsys.readouterr().out == "tag  digest\n───  ──────\n"
