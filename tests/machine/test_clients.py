"""The clients that the tests need are fetched into the cache, without changing the system."""

import subprocess
import sys

import pytest

from machine import clients
from machine.project import ROOT

ALL = [*clients.OF_THE_SYSTEM, *clients.OF_DEBIAN]
# Writes packages to the current folder, and a copy of its settings for the test.
APT = """
case "$*" in *indextargets*) echo "{archive}"; exit;; esac
/bin/cp "$APT_CONFIG" "{folder}"
case "$*" in
*update*) ;;
*install*)
    for name in conmon podman buildah skopeo ip ss slirp4netns runc chromium; do echo $name > $name.deb; done ;;
*download*)
    for argument in "$@"; do
        case "$argument" in
        docker.io/*) echo dockerd > dockerd.deb ;;
        docker-cli/*) echo docker > docker-cli.deb ;;
        amazon-ecr-credential-helper/*) echo docker-credential-ecr-login > amazon-ecr-credential-helper.deb ;;
        */*) echo "${{argument%/*}}" > "${{argument%/*}}.deb" ;;
        esac
    done ;;
esac"""
# A package is a file that contains the name of its only program.
DPKG_DEB = """
read -r name < "$2"
case "$1" in
--field) echo "$name" ;;
--extract)
    /bin/mkdir -p "$3/usr/bin"
    printf '#!/bin/sh\\necho "%s of the tree, $*"\\n' "$name" > "$3/usr/bin/$name"
    /bin/chmod 755 "$3/usr/bin/$name" ;;
esac"""


def apt(folder, archive="http://mirror.example/debian/"):
    return APT.format(folder=folder, archive=archive)


@pytest.fixture
def debian(machine, monkeypatch):
    """A machine with apt and none of the clients."""
    monkeypatch.setattr(clients, "CLIENTS", machine.root / ".cache" / "clients")
    monkeypatch.setattr(clients, "KEYRING", machine.root / "keyring")
    clients.KEYRING.touch()
    machine.has("apt-get", apt(machine.root))
    machine.has("dpkg-deb", DPKG_DEB)
    machine.has("dpkg-query", 'case "$*" in *conmon) echo "install ok installed";; esac')
    return machine


def output_of(program):
    path = {"PATH": "/usr/bin:/bin"}  # the fake PATH has no readlink
    return subprocess.run([program, "pull"], capture_output=True, text=True, env=path).stdout


def test_nothing_runs_if_all_clients_are_installed(debian, capsys):
    for program in ALL:
        debian.has(program)
    assert clients.main() == 0
    assert debian.calls() == []
    assert capsys.readouterr().err == ""


def test_missing_clients_are_fetched_once_and_reported_in_one_line(debian, capsys):
    assert clients.main() == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Fetched for the tests, and not installed: {', '.join(ALL)} (")
    for program in ALL:
        assert output_of(clients.find(program)) == f"{program.removeprefix('newer-')} of the tree, pull\n"
    before = debian.calls()
    assert clients.main() == 0
    assert debian.calls() == before
    assert capsys.readouterr().err == ""


def test_a_client_of_another_release_is_fetched_again(debian, monkeypatch):
    clients.main()
    monkeypatch.setitem(clients.OF_DEBIAN, "newer-dockerd", "docker.io/duke")
    assert clients.missing() == ["newer-dockerd"]
    clients.main()
    assert clients.find("newer-dockerd")
    assert any("docker.io/duke" in call for call in debian.calls("apt-get"))


def test_an_installed_client_is_preferred(debian):
    debian.has("podman")
    clients.main()
    assert clients.find("podman") == str(debian.bin / "podman")
    assert not any("podman" in call for call in debian.calls("apt-get"))


def test_the_system_is_not_changed(debian):
    debian.is_user(1000)
    debian.lets_sudo()
    clients.main()
    assert debian.calls("sudo") == []
    assert all("--download-only" in call for call in debian.calls("apt-get") if " install" in call)
    settings = (debian.root / "apt.conf").read_text()
    for name in ("Dir::State::lists", "Dir::Cache", "Dir::Cache::archives"):
        assert f'{name} "{clients.CLIENTS}/' in settings
    assert 'Dir::Etc::sourceparts "' in settings, "Debian's releases must not be added to the machine's sources"
    # Lists and packages are deleted, and packages that are installed are not unpacked.
    assert sorted(path.name for path in clients.CLIENTS.iterdir()) == ["bin", "debian", "system"]
    assert not (clients.CLIENTS / "system" / "usr" / "bin" / "conmon").exists()


def test_clients_work_after_the_checkout_is_moved(debian):
    clients.main()
    clients.CLIENTS.rename(debian.root / "moved")
    assert output_of(debian.root / "moved" / "bin" / "crane") == "crane of the tree, pull\n"


def test_without_apt_the_skipped_tests_are_named(debian, capsys):
    (debian.bin / "apt-get").unlink()
    debian.has("skopeo")
    assert clients.main() == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"The tests with {', '.join(program for program in ALL if program != 'skopeo')} will be skipped ("
    )


def test_a_failure_shows_the_error_of_apt_and_the_rest_is_fetched(debian, capsys):
    no_crane = 'case "$*" in *crane*) echo "E: Unable to locate package crane" >&2; exit 100;; esac'
    debian.has("apt-get", no_crane + apt(debian.root))
    assert clients.main() == 0
    got, lacking = capsys.readouterr().err.splitlines()
    assert "oras" in got and "crane" not in got
    assert lacking.startswith("The tests with crane will be skipped (E: Unable to locate package crane)")


def test_a_package_without_the_program_is_reported(debian, capsys):
    debian.has("dpkg-deb")
    assert clients.main() == 0
    [line] = capsys.readouterr().err.splitlines()
    for program in clients.OF_THE_SYSTEM:
        assert f"the package has no program {program}" in line


def test_packages_are_not_fetched_without_the_keyring(debian, capsys):
    clients.KEYRING.unlink()
    clients.main()
    assert "debian-archive-keyring" in capsys.readouterr().err
    assert clients.find("podman") and not clients.find("oras")
    assert not any("download" in call.split() for call in debian.calls("apt-get"))


def test_only_the_standard_library_is_imported():
    code = "import sys; import machine.clients; print(*sys.modules)"
    got = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in got.stdout.split()}
    assert loaded - sys.stdlib_module_names - {"machine", "__main__"} == set()


def test_debian_packages_are_not_fetched_from_other_archives(debian, capsys):
    debian.has("apt-get", apt(debian.root, "http://mirror.example/ubuntu/"))
    clients.main()
    assert f"{', '.join(clients.OF_DEBIAN)} will be skipped (this machine" in capsys.readouterr().err
    assert clients.find("podman")
    assert not any("download" in call.split() for call in debian.calls("apt-get"))
