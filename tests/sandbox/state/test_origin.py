"""Programs and configuration of a state folder from elsewhere are not used.

Sources: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html (``credential_process``),
https://docs.docker.com/reference/cli/docker/#credential-helper-options, inode(7) for ``st_ctime``.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ecr_sandbox import background, docker_engine, environment
from ecr_sandbox.state import origin


@pytest.fixture
def state(tmp_path):
    """A state folder of this user, with a file in each of the folders that others run."""
    state = tmp_path / "state"
    state.mkdir()
    fill(state)
    return state


def fill(state: Path) -> None:
    origin.use_own_only(state)
    for name in origin.RUN:
        (state / name).mkdir()
        (state / name / "file").write_text("")


def used(state: Path) -> list[str]:
    return [name for name in origin.RUN if (state / name).exists()]


def test_what_was_made_here_stays(state, capsys):
    origin.use_own_only(state)
    (state / "bin" / "another").write_text("")
    origin.use_own_only(state)
    assert used(state) == list(origin.RUN)
    assert capsys.readouterr() == ("", "")


def copied(state: Path, to: Path) -> None:
    shutil.copytree(state, to, symlinks=True)


def unpacked(state: Path, to: Path) -> None:
    """By the program: Python's tarfile of Debian 12 has no filters, and that of 3.14 has another default."""
    archive = to.with_suffix(".tar")
    subprocess.run(["tar", "-cf", archive, "-C", state, "."], check=True)
    to.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", to], check=True)


def linked(state: Path, to: Path) -> None:
    """Everything is linked to the files of a folder that is somebody's own."""
    to.mkdir()
    for each in state.iterdir():
        (to / each.name).symlink_to(each)


@pytest.mark.parametrize("give", [copied, unpacked, linked])
def test_what_was_made_elsewhere_is_renamed_and_reported(state, tmp_path, give, capsys):
    given = tmp_path / "given"
    give(state, given)
    origin.use_own_only(given)
    assert used(given) == []
    assert (given / "bin.not-used-1" / "file").exists()
    assert f"{given / 'bin'} is not used, because you did not create it here; it is kept as bin.not-used-1." in (
        capsys.readouterr().err
    )
    origin.use_own_only(given)
    assert capsys.readouterr().err == ""
    assert (state / "bin").exists()


def test_a_mark_of_another_user_does_not_count(state, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    origin.use_own_only(state)
    assert used(state) == []


@pytest.mark.parametrize("text", [b"", b"1 1", b"\xff\xfe", b"0" * 100_000])
def test_a_wrong_proof_does_not_count(state, text):
    (state / origin.PROOF).write_bytes(text)
    origin.use_own_only(state)
    assert used(state) == []


def test_nothing_that_was_renamed_earlier_is_overwritten(state):
    (state / "bin.not-used-1").mkdir()
    (state / origin.MARK).unlink()
    origin.use_own_only(state)
    assert (state / "bin.not-used-2" / "file").exists()


def test_several_processes_at_the_same_time(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    threads = [threading.Thread(target=environment.write_files, args=(state,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    environment.write_files(state)
    assert sorted(each.name for each in state.glob("*.not-used*")) == []


# Each runs a program that was put into the folder.


@pytest.fixture
def trap(tmp_path):
    """A program that another person put into a state folder, and the file that it makes when it runs."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    return program, ran


def test_a_program_in_bin_is_not_run(tmp_path, trap):
    program, ran = trap
    state = tmp_path / "given"
    (state / "bin").mkdir(parents=True)
    for name in ("aws", "docker", "git", "docker-credential-evil"):
        shutil.copy(program, state / "bin" / name)
    environment.write_files(state)
    path = environment.prepend("/usr/bin:/bin", state / "bin")
    for name in ("docker", "git", "docker-credential-evil"):
        assert not str(shutil.which(name, path=path)).startswith(str(state))
    subprocess.run([state / "bin" / "aws", "--version"], capture_output=True, check=True)
    assert not ran.exists()


def test_configuration_that_names_programs_is_not_read(tmp_path, trap):
    program, _ = trap
    state = tmp_path / "given"
    (state / "aws").mkdir(parents=True)
    (state / "aws" / "config").write_text(f"[default]\ncredential_process = {program}\n[plugins]\nevil = evil\n")
    (state / "docker" / "cli-plugins").mkdir(parents=True)
    shutil.copy(program, state / "docker" / "cli-plugins" / "docker-buildx")
    (state / "docker" / "config.json").write_text(
        '{"auths": {"x": {}}, "credsStore": "evil", "credHelpers": {"x": "y"}}'
    )
    environment.write_files(state)
    docker_engine.link_plugins({"DOCKER_CONFIG": str(tmp_path / "none")}, state)
    assert str(program) not in (state / "aws" / "config").read_text()
    assert "plugins" not in (state / "aws" / "config").read_text()
    assert "evil" not in (state / "docker" / "config.json").read_text()
    assert not (state / "docker" / "cli-plugins").exists()


def test_the_home_of_the_sandboxs_process_is_empty(own_settings, trap):
    """Python runs what it finds in the user's folder for packages: https://docs.python.org/3/library/site.html."""
    _, ran = trap
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    folder = own_settings.state / "aws" / "home" / ".local" / packages
    folder.mkdir(parents=True)
    (folder / "evil.pth").write_text(f"import os; os.mkdir({str(ran)!r})\n")
    home = background._environment(own_settings)["HOME"]
    assert list(Path(home).iterdir()) == []


def test_no_file_of_the_user_is_written_through_a_link(own_settings):
    """The lock was truncated, and the log appended to."""
    mine = own_settings.state.parent / "mine"
    mine.write_text("mine")
    (own_settings.state / "log").mkdir()
    for name in ("log/sandbox.log", "ports.json", "sandbox.json"):
        (own_settings.state / name).symlink_to(mine)
    background.start(own_settings)
    background.stop(own_settings)
    for name in ("starting.lock", "sandbox.lock"):
        (own_settings.state / name).unlink()
        (own_settings.state / name).symlink_to(mine)
        with pytest.raises(background.SandboxError):
            background.start(own_settings)
        (own_settings.state / name).unlink()
    assert mine.read_text() == "mine"


def test_the_address_of_another_machine_is_not_used(own_settings):
    (own_settings.state / "sandbox.json").write_text('{"endpoint": "http://192.0.2.1:80", "pid": 1}')
    assert background.find(own_settings) is None
    assert background.stop(own_settings) is False
