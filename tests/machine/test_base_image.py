"""The base image is pulled or built if it is missing, and saved for the mirror."""

import pytest

from machine import base_image, stand_in
from machine.oci_layout import annotation
from machine.project import base_image_layout, settings
from machine.say import Stop
from tests.machine.test_oci_layout import save

PLATFORM = "linux/amd64"


@pytest.fixture
def docker(machine, tmp_path):
    """A fake docker with its image in a file; the test defines what a pull does."""
    image = tmp_path / "image"
    saved = save(tmp_path / "saved.tar", "legacy")

    def make(pull: str = "exit 1") -> None:
        machine.has(
            "docker",
            f"""
case "$1 $2" in
  "image inspect") [ -e "{image}" ] || exit 1; read -r line < "{image}"; echo "$line" ;;
  "pull "*) {pull.format(image=image)} ;;
  "save "*) /bin/cp "{saved}" "$3" ;;
esac""",
        )

    make.image = image
    make()
    return make


def test_an_existing_image_is_saved_once(machine, docker, capsys):
    docker.image.write_text("sha256:aa linux/amd64\n")
    assert base_image.ensure(PLATFORM) == ("sha256:aa", PLATFORM, False)
    layout = base_image_layout()
    assert annotation(layout, "org.opencontainers.image.ref.name") == settings.MIRROR_TAG
    capsys.readouterr()
    before = len(machine.calls())
    base_image.ensure(PLATFORM)
    assert len(machine.calls()) == before + 1, "the second time one call is enough"
    assert capsys.readouterr().err == ""
    assert [path.name for path in layout.parent.iterdir()] == ["base-image"]


def test_a_changed_image_is_saved_again(machine, docker):
    docker.image.write_text("sha256:aa linux/amd64\n")
    base_image.ensure(PLATFORM)
    docker.image.write_text("sha256:bb linux/amd64\n")
    base_image.ensure(PLATFORM)
    assert annotation(base_image_layout(), base_image.SOURCE) == "sha256:bb"


def test_a_missing_image_is_pulled(machine, docker, monkeypatch):
    docker('echo "sha256:cc linux/amd64" > "{image}"')
    monkeypatch.setattr(stand_in, "build", lambda *_: pytest.fail("nothing to build"))
    assert base_image.ensure(PLATFORM).id == "sha256:cc"
    assert machine.calls("docker pull") == [f"docker pull {settings.BASE_IMAGE}"]


def test_an_image_for_another_platform_is_replaced(machine, docker):
    docker.image.write_text("sha256:aa linux/arm64\n")
    docker('echo "sha256:cc linux/amd64" > "{image}"')
    assert base_image.ensure(PLATFORM).platform == PLATFORM


def test_a_stand_in_is_built_if_the_pull_fails(machine, docker, monkeypatch, capsys):
    machine.has_apt()
    docker('echo "Error: no such host" >&2; exit 1')
    monkeypatch.setattr(stand_in, "build", lambda name, log: docker.image.write_text("sha256:dd linux/amd64 true\n"))
    assert base_image.ensure(PLATFORM).is_stand_in
    assert "Error: no such host" in capsys.readouterr().err


def test_the_pull_from_an_unreachable_registry_times_out(machine, docker, monkeypatch):
    monkeypatch.setattr(base_image, "REACH_LIMIT", 0.3)
    docker("exec /bin/sleep 30")
    assert "no answer in time" in base_image.pull()


def test_the_pull_from_a_slow_registry_continues(machine, docker, monkeypatch):
    monkeypatch.setattr(base_image, "REACH_LIMIT", 0.3)
    docker('echo "3.11: Pulling from library/python"; /bin/sleep 1')
    assert base_image.pull() == ""


def test_an_image_that_cannot_be_pulled_or_built_is_an_error(machine, docker):
    with pytest.raises(Stop, match=f"run: docker pull {settings.BASE_IMAGE}"):
        base_image.ensure(PLATFORM)
