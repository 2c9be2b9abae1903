"""The stand-in image is built with the available privileges, and labeled as a stand-in."""

import pytest

from machine import stand_in
from machine.say import Stop


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    path = tmp_path / "bundle.crt"
    path.write_text("office CA\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return str(path)


def test_the_stand_in_is_built_imported_and_labelled(machine, tmp_path, bundle, capsys):
    machine.has("mmdebstrap", 'echo "the file system"; echo "I: success" >&2')
    machine.has("docker")
    log = tmp_path / "log" / "stand-in.log"
    stand_in.build("base:1", log)
    (imported,) = machine.calls("docker import")
    assert imported.endswith(f"{log.with_suffix('.tar')} base:1")
    assert f"--change LABEL {stand_in.LABEL}=true" in imported
    assert "--change ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt" in imported
    assert "stand-in" in capsys.readouterr().err
    assert [path.name for path in log.parent.iterdir()] == [log.name], "the tar is deleted"


@pytest.mark.parametrize(
    ("root", "first", "mode"),
    [([], "mmdebstrap", "root"), (["sudo", "-n"], "sudo", "root"), (None, "mmdebstrap", "unshare")],
)
def test_the_build_mode_depends_on_the_privileges(root, first, mode):
    command = stand_in.command(root, None)
    assert command[0] == first
    assert f"--mode={mode}" in command
    assert command[-2:] == ["bookworm", "-"]


def test_host_certificates_are_copied_if_they_exist(bundle):
    assert f"--customize-hook=upload {bundle} {stand_in.BUNDLE}" in stand_in.command([], bundle)
    assert not any("upload" in argument for argument in stand_in.command([], None))
    assert not any("CERT" in change for change in stand_in.config(None))


def test_a_missing_mmdebstrap_is_installed(machine, tmp_path, bundle):
    machine.has_apt()
    with pytest.raises(FileNotFoundError):
        stand_in.build("base:1", tmp_path / "stand-in.log")  # the fake apt-get brings nothing
    assert "mmdebstrap" in machine.calls("apt-get install")[0]


def test_a_failed_build_shows_the_error(machine, tmp_path, bundle):
    machine.has("mmdebstrap", 'echo "E: cannot reach the archive" >&2; exit 1')
    with pytest.raises(Stop, match="E: cannot reach the archive"):
        stand_in.build("base:1", tmp_path / "stand-in.log")


def test_a_failed_import_shows_the_error(machine, tmp_path, bundle):
    machine.has("mmdebstrap")
    machine.has("docker", 'echo "no space left on device" >&2; exit 1')
    with pytest.raises(Stop, match="no space left on device"):
        stand_in.build("base:1", tmp_path / "stand-in.log")
