"""A private machine has its own processes, mounts and network, and nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from machine import clients, private_machine
from machine.project import ROOT


def unavailable() -> str:
    """Why there is no private machine here; empty if there can be one."""
    try:
        private_machine.check()
    except private_machine.Unavailable as error:
        return str(error)
    return ""


WHY_NOT = unavailable()
needs_namespaces = pytest.mark.skipif(bool(WHY_NOT), reason=f"no private machine: {WHY_NOT}")

INSIDE = """
import subprocess, sys
from machine import private_machine
private_machine.enter()
sys.exit(private_machine.wait_for(subprocess.Popen(["sh", "-c", sys.argv[1]], stdin=subprocess.DEVNULL)))
"""
START = "import sys; from machine import private_machine; sys.exit(private_machine.start(sys.argv[1:]))"


def argv(command: str) -> list[str]:
    return [sys.executable, "-c", START, sys.executable, "-c", INSIDE, command]


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run this shell command on a private machine."""
    return subprocess.run(argv(command), cwd=ROOT, capture_output=True, text=True, timeout=60)


def processes(mark: str) -> list[str]:
    """The commands of this machine's other processes that contain *mark*. Other tests start and end processes too."""
    others = (each for each in psutil.process_iter(["cmdline"]) if each.pid != os.getpid())
    commands = (" ".join(each.info["cmdline"] or []) for each in others)
    return [command for command in commands if mark in command]


def runs(process: psutil.Process) -> bool:
    """Whether it still runs; the system may keep the exit code of a process that ended."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@needs_namespaces
def test_it_has_its_own_processes_mounts_and_network():
    before = Path("/etc/resolv.conf").read_text()
    got = run("echo here > /run/here; ls /proc | grep -c '^[0-9]'; ls /run/here; cat /etc/resolv.conf /proc/net/route")
    assert got.returncode == 0, got.stderr
    count, here, name_server, *rest = got.stdout.splitlines()
    assert int(count) < 8, "it sees the processes of this machine"
    assert here == "/run/here"
    assert name_server == f"nameserver {private_machine.NAME_SERVER}"
    assert {line.split()[0] for line in rest if line.endswith("\t0") or "\t00000000\t" in line} == {"tap0"}
    assert not Path("/run/here").exists()
    assert Path("/etc/resolv.conf").read_text() == before


@needs_namespaces
def test_it_reaches_the_outside_but_not_this_machines_own_ports():
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"], stderr=subprocess.DEVNULL, stdout=-1
    ) as server:
        try:
            assert server.stdout
            port = int(server.stdout.readline().split()[5])
            got = run(f"{sys.executable} -c 'import socket; socket.create_connection((\"10.0.2.2\", {port}), 5)'")
            assert "OSError" in got.stderr or "refused" in got.stderr or "unreachable" in got.stderr
        finally:
            server.kill()


@needs_namespaces
@pytest.mark.parametrize(("command", "status"), [("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_it_ends_as_its_command_ends(command, status):
    assert run(command).returncode == status


@needs_namespaces
def test_a_process_that_the_command_left_is_ended():
    assert run("sleep 987654 & exit 0").returncode == 0
    assert processes("987654") == []


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_process_that_started_it(number):
    with subprocess.Popen(argv("echo started; sleep 876543"), cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"started\n"
        started = psutil.Process(process.pid).children(recursive=True)
        names = [each.name() for each in started]
        process.send_signal(number)
        process.wait(10)
    end = time.monotonic() + 10
    while any(map(runs, started)):
        assert time.monotonic() < end, "a process is left"
        time.sleep(0.05)
    assert "slirp4netns" in names


def test_it_needs_linux_and_root_and_slirp4netns(machine, monkeypatch):
    monkeypatch.setattr(clients, "CLIENTS", machine.root / "clients")
    assert "slirp4netns" in unavailable()
    machine.is_user(1000)
    assert unavailable() == "it needs root"
    machine.is_system("darwin")
    assert unavailable() == "it needs Linux"


def test_the_reason_why_namespaces_are_not_allowed_is_given(machine):
    machine.has("slirp4netns")
    machine.has("unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1")
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun, which is checked before")
    assert unavailable() == "Linux namespaces are not allowed: unshare: unshare failed: Operation not permitted"
