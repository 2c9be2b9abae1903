"""`python -m machine.break_it` runs on a private machine only, and its exit code says whether it found a problem."""

import argparse

import pytest

from machine import break_it, foreign, foreign_here, inventory, kills, private_machine, taken_names

OPTIONS = argparse.Namespace(seed=1, kills=3, slow=1, only=None)


def test_without_a_private_machine_it_is_skipped_with_the_reason(monkeypatch, capfd):
    def refuse():
        raise private_machine.Unavailable("it needs root")

    monkeypatch.setattr(private_machine, "check", refuse)
    assert break_it.main([]) == 0
    assert capfd.readouterr().err == "SKIPPED: this needs a private machine, and it needs root.\n"


@pytest.fixture
def steps(monkeypatch):
    """What is called, in order, in place of the private machine's engine and AWS."""
    called: list[str] = []

    def note(text: str):
        return lambda *_, **__: called.append(text)

    monkeypatch.setattr(foreign, "plant", note("things of others in AWS"))
    monkeypatch.setattr(foreign_here, "plant", note("things of others in the engine"))
    monkeypatch.setattr(foreign_here, "remove", note("removed"))
    monkeypatch.setattr(break_it, "run", note("clean-up"))
    monkeypatch.setattr(break_it, "_make_slow", note("slow"))
    monkeypatch.setattr(inventory, "take", lambda *_: {})
    monkeypatch.setattr(taken_names, "problems", lambda: iter(()))
    monkeypatch.setattr(kills, "problems", lambda moment, *_: called.append(f"kill {moment.number}") or iter(()))
    return called


def test_the_last_kills_are_on_a_slow_aws(steps, tmp_path):
    assert break_it._break(tmp_path, OPTIONS) == 0
    assert steps == [
        "clean-up",
        "things of others in AWS",
        "things of others in the engine",
        "kill 1",
        "kill 2",
        "slow",
        "kill 3",
        "removed",
    ]


def test_a_problem_is_printed_and_fails_the_run(steps, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(kills, "problems", lambda moment, *_: iter(["left: a cluster"] * (moment.number == 2)))
    assert break_it._break(tmp_path, OPTIONS) == 1
    assert "✗ left: a cluster\n" in capfd.readouterr().err
    assert steps[-1] == "removed"


def test_a_name_that_is_not_refused_fails_the_run(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(taken_names, "problems", lambda: iter(["the user demo-pusher is taken"]))
    assert break_it._break(tmp_path, OPTIONS) == 1
    assert break_it._break(tmp_path, argparse.Namespace(**{**vars(OPTIONS), "only": [1]})) == 0
    assert [step for step in steps if step.startswith("kill")] == ["kill 1", "kill 2", "kill 3", "kill 1"]
