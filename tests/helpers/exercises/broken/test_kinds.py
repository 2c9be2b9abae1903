"""Every kind of every *Broken, repair it* exercise is broken, repaired wrongly, and repaired."""

import io
import subprocess
import tarfile

import pytest

from helpers import settings
from helpers.exercises.broken import kinds
from helpers.exercises.broken.tools import log_in

WITHOUT_ENGINE = ("04.2", "10.3", "11.3", "12.3", "14.1")
ALL = [(number, name) for number in kinds.numbers() for name in kinds.names(number)]
# A program `python` that succeeds and does nothing, with its libraries, for this machine's processor.
PACK = "tar -chf - /bin/true $(ldd /bin/true | grep -o '/lib[^ )]*' | sort -u) 2>/dev/null"


@pytest.fixture
def sample_app(with_engine, capsys):
    """v1 of the sample app is in ECR."""
    with_engine.catch_up("09")
    capsys.readouterr()
    yield
    subprocess.run(["docker", "rm", "--force", "demo-broken"], capture_output=True)


@pytest.fixture
def small_image(with_engine):
    """demo-app-repo has a small image v1, which runs."""
    name = f"{with_engine.repository_uri}:v1"
    with_engine.client().create_repository(repositoryName=settings.REPOSITORY, tags=[settings.TAG])
    log_in(with_engine)
    packed = subprocess.run(["docker", "run", "--rm", settings.BASE_IMAGE, "sh", "-c", PACK], capture_output=True)
    subprocess.run(["docker", "import", "-", name], input=_renamed(packed.stdout), check=True, capture_output=True)
    subprocess.run(["docker", "push", "-q", name], check=True, capture_output=True)
    yield
    subprocess.run(["docker", "rmi", "-f", name], capture_output=True)


def _renamed(packed: bytes) -> bytes:
    """The archive with the program under the name ``bin/python``."""
    renamed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(packed)) as old, tarfile.open(fileobj=renamed, mode="w") as new:
        for member in old:
            content = old.extractfile(member)
            member.name = "bin/python" if member.name == "bin/true" else member.name
            new.addfile(member, content)
    return renamed.getvalue()


@pytest.mark.soak
@pytest.mark.parametrize(("number", "name"), ALL)
def test_a_kind(number, name, runs, request):
    world = {"09.2": "sample_app", "13.3": "small_image"}.get(number, "with_engine")
    request.getfixturevalue("plain" if number in WITHOUT_ENGINE else world)
    runs(number, name)
