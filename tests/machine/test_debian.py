"""Debian packages are installed if there are privileges, and always with a message."""

import pytest

from machine import debian
from machine.say import Stop

PACKAGES = {"docker.io": "the Docker engine", "python3.11-venv": "makes virtual environments"}


def test_nothing_runs_if_nothing_is_missing(machine):
    machine.has_apt()
    debian.install({})
    assert machine.calls() == []


def test_root_installs_packages_and_prints_their_purpose(machine, capsys):
    machine.has_apt()
    debian.install(PACKAGES)
    assert machine.calls("apt-get") == [
        "apt-get update -qq",
        "apt-get install -qq --no-install-recommends docker.io python3.11-venv",
    ]
    assert machine.calls("env")[0].startswith("env DEBIAN_FRONTEND=noninteractive apt-get install")
    printed = capsys.readouterr()
    assert "docker.io        the Docker engine" in printed.err
    assert printed.out == ""


def test_passwordless_sudo_is_used(machine, capsys):
    machine.is_user(1000)
    machine.has_apt()
    machine.lets_sudo()
    debian.install(PACKAGES)
    assert "with sudo" in capsys.readouterr().err
    assert machine.calls("sudo")[1:] == [
        "sudo -n apt-get update -qq",
        "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "
        "docker.io python3.11-venv",
    ]


@pytest.mark.parametrize("sudo", ["absent", "asks for a password"])
def test_without_root_the_exact_command_is_shown(machine, sudo):
    machine.is_user(1000)
    machine.has_apt()
    if sudo != "absent":
        machine.has("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(Stop) as stop:
        debian.install(PACKAGES)
    assert str(stop.value).endswith(
        "\n    sudo apt-get update && sudo apt-get install --no-install-recommends docker.io python3.11-venv"
    )
    assert machine.calls("apt-get") == []


def test_a_failure_shows_the_error_of_apt(machine):
    machine.has_apt("echo 'E: Unable to locate package docker.io' >&2; exit 100")
    with pytest.raises(Stop, match=r"could not install docker\.io(.|\n)*E: Unable to locate package"):
        debian.install({"docker.io": "the engine"})


def test_an_outdated_package_list_is_used_if_the_update_fails(machine):
    machine.has("apt-get", 'if [ "$1" = update ]; then exit 100; fi')
    machine.has("env", "exit 0")
    debian.install(PACKAGES)
