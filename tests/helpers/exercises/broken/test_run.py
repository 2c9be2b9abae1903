"""Each kind of exercise 09.2."""

import subprocess

import pytest

from helpers.exercises.broken import kinds


@pytest.fixture
def pushed(with_engine, capsys):
    """v1 of the sample app is in ECR."""
    with_engine.catch_up("09")
    capsys.readouterr()
    yield
    subprocess.run(["docker", "rm", "--force", "demo-broken"], capture_output=True)


@pytest.mark.usefixtures("pushed")
@pytest.mark.parametrize("name", kinds.names("09.2"))
def test_a_kind(name, runs):
    runs("09.2", name)
