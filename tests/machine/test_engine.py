"""The Docker engine is used if it answers, started if it is stopped, and each error has a fix."""

import os
import sys
import time

import pytest

from machine import engine
from machine.say import Stop
from tests.machine.conftest import ANSWERS, SILENT

# Answers once the fake dockerd has created its file.
ANSWERS_WHEN_UP = """
if [ "$1" = version ]; then
  if [ -e "{up}" ]; then echo "28.0.0 linux/amd64"; else echo "Cannot connect" >&2; exit 1; fi
fi"""

DOCKERD = """#!{python}
import os, pathlib, signal, sys, time
pid = pathlib.Path(sys.argv[sys.argv.index("--pidfile") + 1])
pid.write_text(str(os.getpid()))
def end(*_):
    pid.unlink()
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path("{up}").write_text(" ".join(sys.argv[1:]))
time.sleep(60)
"""


@pytest.fixture
def dockerd(machine, tmp_path):
    """A fake dockerd that starts as the real one does; it is stopped after the test."""
    up = tmp_path / "up"
    machine.has("docker", ANSWERS_WHEN_UP.format(up=up))
    program = machine.bin / "dockerd"
    program.write_text(DOCKERD.format(python=sys.executable, up=up))
    program.chmod(0o755)
    yield up
    engine.stop()


def test_a_running_engine_is_not_changed(machine):
    machine.has("docker", ANSWERS)
    machine.has_apt()
    assert engine.missing() == {}
    assert engine.ensure() == ("28.0.0", "linux/amd64")
    assert {call.split()[0] for call in machine.calls()} == {"docker"}


def test_on_debian_a_missing_engine_is_a_package_to_install(machine):
    machine.has_apt()
    assert "docker.io" in engine.missing()


@pytest.mark.parametrize("cli", [True, False])
def test_on_macos_the_message_names_docker_desktop(machine, cli):
    machine.is_system("darwin")
    if cli:
        machine.has("docker", SILENT)
    with pytest.raises(Stop, match="start Docker Desktop"):
        engine.missing()


def test_on_macos_docker_desktop_must_be_started(machine):
    machine.is_system("darwin")
    machine.has("docker", SILENT + '; if [ "$1" = context ]; then echo desktop-linux; fi')
    assert engine.missing() == {}
    with pytest.raises(Stop, match="Start Docker Desktop"):
        engine.ensure()


def test_on_linux_without_apt_the_message_names_the_install_page(machine):
    with pytest.raises(Stop, match=r"docs\.docker\.com/engine/install"):
        engine.missing()


def test_docker_host_is_respected(machine, monkeypatch):
    machine.has("docker", SILENT)
    machine.has_apt()
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    assert engine.missing() == {}
    with pytest.raises(Stop, match="No Docker engine answers at DOCKER_HOST=tcp://elsewhere:2375"):
        engine.ensure()


def test_an_engine_without_permission_for_the_user_is_an_error(machine):
    machine.is_user(1000)
    machine.has("docker", 'if [ "$1" = version ]; then echo "permission denied while trying" >&2; exit 1; fi')
    machine.has_apt()
    with pytest.raises(Stop, match='sudo usermod -aG docker "\\$USER"'):
        engine.missing()  # before a minute is spent on packages


@pytest.mark.parametrize(
    ("systemd", "command"), [(True, "sudo systemctl start docker"), (False, "sudo service docker start")]
)
def test_without_root_the_command_to_start_the_engine_is_shown(machine, systemd, command):
    machine.is_user(1000)
    machine.is_system("linux", systemd=systemd)
    machine.has("docker", SILENT)
    machine.has("dockerd")
    with pytest.raises(Stop) as stop:
        engine.ensure()
    assert str(stop.value).endswith(f"\n    {command}")
    assert machine.calls("dockerd") == []


def test_systemd_starts_the_engine(machine, tmp_path):
    up = tmp_path / "up"
    machine.is_system("linux", systemd=True)
    machine.has("docker", ANSWERS_WHEN_UP.format(up=up))
    machine.has("dockerd")
    machine.has("systemctl", f': > "{up}"')
    assert engine.ensure()[0] == "28.0.0"
    assert machine.calls("systemctl") == ["systemctl start docker"]
    assert machine.calls("dockerd") == []


def test_a_failed_start_by_systemd_is_an_error(machine):
    machine.is_system("linux", systemd=True)
    machine.has("docker", SILENT)
    machine.has("dockerd")
    machine.has("systemctl", "echo 'Job for docker.service failed' >&2; exit 1")
    with pytest.raises(Stop, match=r"Job for docker\.service failed"):
        engine.ensure()


def test_without_systemd_dockerd_runs_in_its_own_session_until_stopped(machine, dockerd, capfd):
    assert engine.ensure()[0] == "28.0.0"
    pid = engine.started_here()
    assert pid is not None
    assert os.getsid(pid) == pid, "it must outlive the shell that make runs in"
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/fd/1") == str(engine.DOCKERD_LOG)
    assert "--group" not in dockerd.read_text()
    assert "Starting the Docker engine" in capfd.readouterr().err
    assert engine.stop()
    assert engine.started_here() is None
    assert not engine.stop()


def test_the_group_of_the_sudo_user_can_use_the_engine(machine, dockerd, monkeypatch):
    monkeypatch.setenv("SUDO_GID", "1234")
    engine.ensure()
    assert "--group 1234" in dockerd.read_text()


def test_setup_waits_for_an_engine_that_is_starting(machine, tmp_path, monkeypatch):
    up = tmp_path / "up"
    machine.has("docker", f'if [ ! -e "{up}" ]; then : > "{up}"; exit 1; fi; ' + ANSWERS_WHEN_UP.format(up=up))
    machine.has("dockerd")
    engine.ENGINE_PID.write_text(f"{os.getpid()}\n")
    assert engine.ensure()[0] == "28.0.0"
    assert machine.calls("dockerd") == []


def test_an_engine_that_exits_at_start_shows_its_log(machine):
    machine.has("docker", SILENT)
    machine.has("dockerd", "echo starting; echo; echo 'failed to start daemon: no cgroup' >&2; exit 1")
    begun = time.monotonic()
    with pytest.raises(Stop, match="failed to start daemon: no cgroup"):
        engine.ensure()
    assert time.monotonic() - begun < engine.START_LIMIT / 2, "its exit ends the wait"


def test_an_engine_that_never_answers_is_an_error(machine, monkeypatch):
    monkeypatch.setattr(engine, "START_LIMIT", 0.5)
    machine.is_system("linux", systemd=True)
    machine.has("docker", SILENT)
    machine.has("dockerd")
    machine.has("systemctl")
    with pytest.raises(Stop, match=r"does not start(.|\n)*Cannot connect to the Docker daemon"):
        engine.ensure()


def test_a_reused_process_id_is_ignored(machine):
    engine.DOCKERD_PID.parent.mkdir()
    engine.DOCKERD_PID.write_text(f"{os.getpid()}\n")
    assert engine.started_here() is None
    assert not engine.stop()


def test_the_docker_command_is_installed_if_missing(machine):
    machine.has("docker", ANSWERS)
    package = machine.root / "docker"
    (machine.bin / "docker").rename(package)
    machine.has_apt(f'/bin/mv "{package}" "{machine.bin}/docker"')
    machine.has("dockerd")
    assert engine.ensure()[0] == "28.0.0"
    assert machine.calls("apt-get install")[0].endswith(" docker-cli")
