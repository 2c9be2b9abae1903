"""A lab with an engine, and a task of a broken exercise that the test chooses."""

import re

import pytest

import ecr_sandbox
import helpers
from helpers import settings
from helpers.exercises.broken import tasks


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
