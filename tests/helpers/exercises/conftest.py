"""A lab with an engine, a task of a broken exercise that the test chooses, and a learner with a browser."""

import re

import pytest

import ecr_sandbox
import helpers
from ecr_sandbox import background
from helpers import settings
from helpers.exercises.broken import tasks
from tests.helpers.exercises.learner import WAIT, Learner


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
def learner(chromium):
    """``learner("10.2")``, with the console of this test's sandbox."""
    contexts = []

    def opened(number: str) -> Learner:
        endpoint = background.start(settings.sandbox())["endpoint"]
        contexts.append(chromium.new_context(base_url=f"{endpoint}/console/"))
        contexts[-1].set_default_timeout(WAIT)
        return Learner(contexts[-1].new_page(), number)

    yield opened
    for each in contexts:
        each.close()
