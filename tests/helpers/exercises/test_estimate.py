"""Exercise 12.2: the numbers of a team, and typical wrong estimates."""

import os

import pytest

from helpers import settings
from helpers.exercises import checks, estimate

TEAM = estimate.Team(images_a_day=10, size=240, shared=200, months=2)  # 12 GB more each month
GB_MONTHS = 2 * 0.2 + 12 / 2 + (12 + 12 / 2)  # the shared layers, the first month, the second month


@pytest.fixture(autouse=True)
def one_team(plain, monkeypatch):
    monkeypatch.setattr(estimate, "team", lambda: TEAM)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "✗ 12.2 the answer is two numbers, (GB-months, dollars)"),
        (24.4, "✗ 12.2 the answer is two numbers"),
        (("24.4", 2.44), "✗ 12.2 the answer is two numbers"),
        (
            (144, 14.4),
            "✗ 12.2 144 GB-months are not what ECR bills. Hint: is every layer stored as often as it is pushe",
        ),
        ((24.2, 2.42), "✔ 12.2"),
        ((48.4, 4.84), "✗ 12.2 48.4 GB-months are not what ECR bills. Hint: that much is stored at the end only"),
        ((12.2, 1.22), "✗ 12.2 12.2 GB-months are not what ECR bills. Hint: what is stored on the first day"),
        ((24.4, 24.4), "✗ 12.2 $24.4 is not the price of 24.4 GB-months"),
        ((24.4, 2.44), "✔ 12.2 24.4 GB-months, $2.44, in the first 2 months"),
        ([24.6, 2.46], "✔ 12.2 24.4 GB-months"),  # the team pushes in the morning
    ],
)
def test_an_estimate_is_compared(answer, expected):
    assert TEAM.gb_months() == pytest.approx(GB_MONTHS)
    assert checks.verdict("12.2", answer)[1].startswith(expected)


def test_a_day_more_or_less_does_not_matter():
    days = range(TEAM.months * estimate.DAYS)
    grown = [(day + 1) * TEAM.images_a_day * (TEAM.size - TEAM.shared) / 1000 for day in days]
    by_day = sum(TEAM.shared / 1000 + each for each in grown) / estimate.DAYS
    assert checks.verdict("12.2", (by_day, by_day * 0.1))[0]


def test_the_numbers_come_from_the_seed(monkeypatch, capsys):
    monkeypatch.undo()
    teams = []
    for seed in ("0", "0", "1", "2"):
        os.environ[settings.SEED] = seed
        teams.append(estimate.team())
    assert teams[0] == teams[1]
    assert len(set(teams)) == 3
    estimate.show()
    first, second = capsys.readouterr().out.splitlines()
    assert f"{teams[3].images_a_day} images a day" in first
    assert f"{teams[3].shared} MB" in second
