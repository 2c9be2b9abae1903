"""Exercise 08.2: the prediction is compared with the layers of v2 that v1 does not have."""

import pytest

from helpers.exercises import checks, part2_step_by_step

V1 = ["base", "folder", "requirements", "packages", "app"]


def verdict(monkeypatch, v2: list[str], predicted: object) -> str:
    monkeypatch.setattr(part2_step_by_step, "image", lambda _lab, _name, tag: {"imageDigest": tag})
    monkeypatch.setattr(part2_step_by_step, "layers", lambda _lab, _name, tag: V1 if tag == "v1" else v2)
    return checks.verdict("08.2", predicted)[1]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("v2", "predicted", "expected"),
    [
        (["base", "folder", "changed", "new", "too"], 3, "✔ 08.2 v2 shares 2 of its 5 layers with v1, and 3"),
        (["base", "folder", "changed", "new", "too"], "3", "✔ 08.2 "),
        (["base", "folder", "changed", "new", "too"], 2, "✗ 08.2 2 layers is not what the push uploaded. Hint: "),
        (["base", "folder", "changed", "new", "too"], None, "✗ 08.2 there is no prediction yet. Hint: "),
        ([*V1[:4], "changed"], 1, "✗ 08.2 v2 has the same installed packages as v1. Hint: "),
        (["other"], 1, "✗ 08.2 v2 shares no layer with v1. Hint: "),
    ],
)
def test_the_prediction_must_be_what_was_uploaded(monkeypatch, v2, predicted, expected):
    assert verdict(monkeypatch, v2, predicted).startswith(expected)
