"""The tests' own sandbox, for tests that run notebooks themselves."""

import os

import pytest

from helpers import settings
from tests.notebooks import clean_state

OWN = {
    "ECR_TUTORIAL_STATE": str(clean_state.FOLDER),
    "ECR_TUTORIAL_PORT": clean_state.PORT,
    settings.SEED: clean_state.SEED,
}


@pytest.fixture(scope="module")
def own_sandbox():
    """Kernels started in a test's course use the tests' state folder and port, not the learner's."""
    kept = {name: os.environ.get(name) for name in OWN}
    os.environ.update(OWN)
    yield
    clean_state.leave()
    for name, value in kept.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
