"""Each kind is broken, repaired wrongly and repaired; the wrong repairs are in wrong_repairs.toml."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

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
def runs(drawn, capsys, soak, fast_aws, monkeypatch):
    """Run one kind from the broken state over a wrong repair (`make soak`: over each) to the solution."""
    monkeypatch.setattr(settings, "aws_cli", lambda: fast_aws)

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
