"""Each kind of exercise 13.3."""

import io
import subprocess
import tarfile

import pytest

from helpers import settings
from helpers.exercises.broken import kinds
from helpers.exercises.broken.tools import log_in

# A program `python` that succeeds and does nothing, with its libraries, for this machine's processor.
PACK = "tar -chf - /bin/true $(ldd /bin/true | grep -o '/lib[^ )]*' | sort -u) 2>/dev/null"


@pytest.fixture
def pushed(with_engine):
    """A lab whose demo-app-repo has a small image v1."""
    name = f"{with_engine.repository_uri}:v1"
    with_engine.client().create_repository(repositoryName=settings.REPOSITORY, tags=[settings.TAG])
    log_in(with_engine)
    packed = subprocess.run(["docker", "run", "--rm", settings.BASE_IMAGE, "sh", "-c", PACK], capture_output=True)
    subprocess.run(["docker", "import", "-", name], input=_renamed(packed.stdout), check=True, capture_output=True)
    subprocess.run(["docker", "push", "-q", name], check=True, capture_output=True)
    yield with_engine
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


@pytest.mark.usefixtures("pushed")
@pytest.mark.parametrize("name", kinds.names("13.3"))
def test_a_kind(name, runs):
    runs("13.3", name)
