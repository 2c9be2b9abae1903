"""Exercise 02.2: a registry for each of three teams."""

import random

import pytest

from helpers import costs, course, settings
from helpers.exercises import checks, teams

ALL = course.data("teams.json")["teams"]


@pytest.fixture(autouse=True)
def nothing_drawn(monkeypatch):
    """As in a new kernel, with an account to check in."""
    monkeypatch.setattr(teams, "_drawn", {})
    monkeypatch.setattr(checks.labs, "current", lambda: None)


def verdict(answer: object = None) -> str:
    return checks.verdict("02.2", answer)[1]


@pytest.mark.parametrize("team", ALL, ids=lambda team: team["key"])
def test_the_best_choice_is_that_of_the_chooser(team):
    assert costs.choose(costs.Needs(**team["needs"])).registry == team["suits"].replace(
        "ECR Public", "Amazon ECR Public"
    )


@pytest.mark.parametrize("team", ALL, ids=lambda team: team["key"])
def test_a_team_describes_itself_in_two_sentences_with_a_number(team):
    assert team["text"].count(". ") == 1
    assert "{n}" in team["text"]
    assert team["suits"] not in team["text"] + team["hint"]


def test_a_seed_draws_the_same_teams_on_every_machine(capsys, monkeypatch):
    monkeypatch.setenv(settings.SEED, "0")
    teams.show()
    first = capsys.readouterr().out
    teams.show()
    assert capsys.readouterr().out == first
    assert [line[0] for line in first.splitlines() if line[0] != " "] == list(teams.LABELS)


def test_draws_differ_in_teams_and_numbers():
    draws = [teams.draw(random.Random(seed)) for seed in range(20)]
    assert len({tuple(team.suits for team in draw.values()) for draw in draws}) > 5
    assert len({team.text for draw in draws for team in draw.values()}) > len(ALL)


@pytest.mark.parametrize("seed", range(10))
def test_the_solution_passes_with_the_reasons_and_any_other_answer_fails(seed, monkeypatch):
    monkeypatch.setenv(settings.SEED, str(seed))
    teams.show()
    right = teams.solution()
    assert verdict(right).startswith(f"✔ 02.2 A: {right['A']}, because ")
    for label, suits in right.items():
        for other in set(teams.registries()) - {suits}:
            wrong = verdict({**right, label: other})
            assert wrong.startswith(f"✗ 02.2 {other} is not the best choice for team {label}. Hint: ")
            assert suits not in wrong.removeprefix(f"✗ 02.2 {other}")


def test_an_answer_needs_the_teams_and_three_registries(monkeypatch):
    assert verdict({"A": "Docker Hub"}).startswith("✗ 02.2 no teams are drawn yet")
    monkeypatch.setenv(settings.SEED, "0")
    teams.show()
    assert verdict().startswith("✗ 02.2 there is no answer for team A yet")
    assert verdict({"A": None}).startswith("✗ 02.2 there is no answer for team A yet")
    assert verdict({"A": "Quay"}) == (
        "✗ 02.2 Quay is not one of the registries. Hint: write one of Amazon ECR, Docker Hub, ECR Public."
    )
