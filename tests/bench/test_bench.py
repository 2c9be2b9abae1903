"""`make bench` prints the figures of the sandbox next to those of Distribution and of plain moto.

The tests use small sizes and check only that every figure is printed.
"""

import re

import pytest

from bench import __main__ as bench
from bench import console, crowd, growth, transfer
from bench.processes import has_distribution


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(growth, "FEW", 3)
    monkeypatch.setattr(growth, "MANY", 9)
    monkeypatch.setattr(growth, "SIZES", {"few": 3, "many": 9})
    monkeypatch.setattr(growth, "TURNS", 2)
    monkeypatch.setattr(crowd, "CLIENTS", 2)
    monkeypatch.setattr(crowd, "ROUNDS", 1)
    monkeypatch.setattr(console, "REPOSITORIES", 3)
    monkeypatch.setattr(console, "MANY", 9)
    monkeypatch.setattr(transfer, "SIZE", 1_000_000)


def printed(capsys, part: str) -> dict[str, list[float]]:
    """The table's figures, by name: median, smallest, largest."""
    bench.main([part, "--runs", "2"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    head = lines.index("| figure | median | min | max |")
    rows = [re.fullmatch(r"\| (.+) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|", line) for line in lines[head + 2 :]]
    assert rows and all(rows)
    return {row[1]: [float(each) for each in row.groups()[1:]] for row in rows}


@pytest.mark.parametrize(
    ("part", "compared"),
    [
        ("ready", {"start, Distribution alone / sandbox", "start, plain moto / sandbox"}),
        (
            "transfer",
            {f"{name}, Distribution alone / sandbox" for name in ("push", "pull", "plain upload", "plain GET")},
        ),
        (
            "crowd",
            {
                "API calls: median, plain moto / sandbox",
                "API calls: p95, plain moto / sandbox",
                "registry requests: median, Distribution alone / sandbox",
                "registry requests: p95, Distribution alone / sandbox",
            },
        ),
        (
            "growth",
            {
                "push of an image, 3 images there: with 9 / with 3",
                "DescribeImages, a page of 3 images: with 9 / with 3",
                "plain moto: PutImage, 3 images there: with 9 / with 3",
                "plain moto: DescribeImages, a page of 3 images: with 9 / with 3",
                "Distribution alone: PUT of a manifest, 3 images there: with 9 / with 3",
                "memory of the sandbox with 9 images",
                "memory of plain moto with 9 images",
                "memory of Distribution alone with 9 images",
            },
        ),
        (
            "console",
            {
                "console: first page of a new sandbox",
                "boto3: DescribeRepositories",
                "console: 3 repositories",
                "console: 9 images",
            },
        ),
        ("restart", {"start to ready after kill -9, 10,000 images"}),
    ],
)
def test_a_part_prints_its_figures_and_comparisons(capsys, part, compared):
    figures = printed(capsys, part)
    for name in (each for each in compared if has_distribution() or "Distribution" not in each):
        assert any(name in each for each in figures), (name, list(figures))
    for median, least, most in figures.values():
        assert least <= median <= most


def test_without_distribution_no_ratio_is_printed(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    figures = printed(capsys, "ready")
    assert any(name.startswith("start to ready") for name in figures)
    assert not any("Distribution" in name for name in figures)


def test_a_run_without_arguments_measures_every_part(monkeypatch, capsys):
    monkeypatch.setattr(bench, "PARTS", {name: lambda runs, name=name: {name: [1.0] * runs} for name in bench.PARTS})
    bench.main([], standalone_mode=False)
    measured = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[4:]]
    compared_with_others = ("ready", "authorization", "transfer", "crowd", "growth", "restart")
    around_images = ("tasks", "scan", "lifecycle", "console")
    assert measured == [f"| {name}" for name in (*compared_with_others, *around_images, "notebooks")]
