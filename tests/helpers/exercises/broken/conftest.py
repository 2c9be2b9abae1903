"""Each kind is broken, repaired wrongly and repaired; the wrong repairs are in wrong_repairs.toml."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import ecr_sandbox
import helpers
from helpers import settings
from helpers.exercises import checks, prepare
from helpers.exercises.broken import tasks

WRONG: dict[str, dict[str, list[dict[str, str]]]] = tomllib.loads(
    Path(__file__).with_name("wrong_repairs.toml").read_text()
)
UNFILLED = re.compile(r"\{\w+\}")


@pytest.fixture(scope="session")
def wrong_repairs():
    """``{"04.2": {"typo": [{"answer", "expected"}]}}``"""
    return WRONG


@pytest.fixture
def drawn(monkeypatch):
    """Choose the kind that the next prepare() draws: ``drawn("typo")``."""

    def choose(name: str) -> None:
        task = tasks.Task(kind=name, seed="a seed", round=0, facts=None, solved=False)
        monkeypatch.setattr(tasks, "draw", lambda *_: dict(task))

    return choose


@pytest.fixture
def with_engine(capsys):
    """A connected lab with the Docker engine of this machine."""
    lab = helpers.connect()
    lab.engine().ping()
    capsys.readouterr()
    yield lab
    ports = "|".join(map(str, ecr_sandbox.running(settings.sandbox())["ports"]))  # other tests use other ports
    ours = re.compile(rf"(localhost:({ports})|demo-app.*)/demo|demo-app-repo:b")
    for image in lab.engine().api.images():
        for name in filter(ours.match, image["RepoTags"] or []):
            lab.engine().images.remove(name, force=True)


@pytest.fixture
def runs(drawn, capsys, soak):
    """Run one kind from the broken state over a wrong repair (`make soak`: over each) to the solution."""

    def run(number: str, name: str) -> None:
        drawn(name)
        prepare(number)
        symptom = capsys.readouterr().out
        assert 1 <= len(symptom.splitlines()) <= 3
        assert not UNFILLED.search(symptom)
        assert checks.verdict(number)[0] is False
        for wrong in WRONG[number][name][: None if soak else 1]:
            bash(wrong["answer"])
            verdict = checks.verdict(number)[1]
            assert verdict.startswith(f"✗ {number} {wrong['expected']}"), verdict
            bash(wrong.get("undo", ""))
            prepare(number)
        capsys.readouterr()
        tasks.solution(number)
        bash(capsys.readouterr().out)
        done, verdict = checks.verdict(number)
        assert done, verdict
        assert "Hint" not in verdict and not UNFILLED.search(verdict)

    return run


def bash(script: str) -> None:
    """Run a script as a cell of a notebook does; a wrong repair may fail."""
    subprocess.run(["bash", "-c", script], env=os.environ, capture_output=True, text=True, timeout=200)
