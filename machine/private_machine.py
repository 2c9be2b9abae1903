"""A private machine: processes, mounts and a network of their own, which end with the program that asked for them.

It consists of Linux namespaces, so it needs root. slirp4netns connects its network to the outside through ordinary
sockets. So no address, route or firewall rule of this machine changes, and nothing has to be removed afterwards.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from machine import clients
from machine.commands import last_lines, run

START_LIMIT = 10.0
NAME_SERVER = "10.0.2.3"  # of slirp4netns: it passes questions on to this machine's name server
RESOLV_CONF = Path("/etc/resolv.conf")
READY = b"+"
NAMESPACES = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]


class Unavailable(Exception):
    """A private machine cannot be made here; the text is the reason, without a full stop."""


def check() -> None:
    """Raise Unavailable unless this user, on this system, can make a private machine."""
    if sys.platform != "linux":
        raise Unavailable("it needs Linux")
    if os.geteuid():
        raise Unavailable("it needs root")
    if not clients.find("slirp4netns"):
        raise Unavailable("slirp4netns is not installed and could not be fetched")
    if not Path("/dev/net/tun").exists():
        raise Unavailable("this machine has no /dev/net/tun")
    if (got := run(["unshare", *NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/run"])).returncode:
        raise Unavailable(f"Linux namespaces are not allowed: {last_lines(got.stderr, 1).strip()}")


def start(first: Sequence[str]) -> int:
    """Run *first* as the first process of a private machine, and return its exit code.

    *first* calls `enter` before anything else. If this process ends, the private machine ends too.
    """
    alive, ours = os.pipe()
    machine = subprocess.Popen(["unshare", *NAMESPACES, *first], stdin=alive)
    os.close(alive)
    ending, exit_fd = os.pipe()
    network = None
    try:
        network = _connect(machine, ending)
        os.write(ours, READY)
        return _wait(machine)
    finally:
        os.close(ours)
        os.close(exit_fd)
        os.close(ending)
        for process in filter(None, (machine, network)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(START_LIMIT)
            process.kill()
            process.wait()


def enter() -> None:
    """Inside, as the first process: wait for the network, hide this machine's /run, and end with the other side."""
    if os.read(0, 1) != READY:
        sys.exit(1)
    # The command gets the signals of the terminal too, and the private machine ends in order after it. A handler, since
    # the command would inherit that a signal is ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_end_with_the_other_side, daemon=True).start()
    names = [line for line in _resolv_conf().splitlines() if not line.startswith("nameserver")]
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    _write_resolv_conf("\n".join([f"nameserver {NAME_SERVER}", *names, ""]))


def wait_for(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of *process*; meanwhile, the first process collects every process that lost its parent."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == process.pid:
            code = process.returncode = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code  # as a shell reports a signal


def _wait(machine: "subprocess.Popen[bytes]") -> int:
    """Its exit code. Ctrl-C reaches the command inside as well, so this waits for its end."""
    while True:
        try:
            return machine.wait()
        except KeyboardInterrupt:
            continue


def _connect(machine: "subprocess.Popen[bytes]", ending: int) -> "subprocess.Popen[bytes]":
    """Connect the network of *machine* to the outside until the other end of *ending* closes."""
    until = time.monotonic() + START_LIMIT
    here = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{machine.pid}/ns/net") == here:
        if machine.poll() is not None or time.monotonic() > until:
            raise Unavailable("Linux namespaces are not allowed")
        time.sleep(0.01)
    ready, written = os.pipe()
    options = [f"--exit-fd={ending}", f"--ready-fd={written}", "--configure", "--mtu=1500", "--disable-host-loopback"]
    argv = [clients.find("slirp4netns") or "slirp4netns", *options, str(machine.pid), "tap0"]
    # Its own session: Ctrl-C must not end the network before the command.
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(ending, written),
        start_new_session=True,
    )
    os.close(written)
    begun = os.read(ready, 1)
    os.close(ready)
    if not begun:
        assert process.stderr
        why = last_lines(process.stderr.read().decode(errors="replace"), 1).strip()
        raise Unavailable(f"slirp4netns made no network: {why}")
    return process


def _end_with_the_other_side() -> None:
    os.read(0, 1)
    os._exit(1)  # when the first process ends, Linux ends all others


def _resolv_conf() -> str:
    try:
        return RESOLV_CONF.read_text()
    except OSError:
        return ""


def _write_resolv_conf(text: str) -> None:
    """Give the name server to all programs inside; outside, the file does not change."""
    target = RESOLV_CONF.resolve()  # often a file in /run, which is empty now
    if target.is_relative_to("/run"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    elif target.exists():
        Path("/run/resolv.conf").write_text(text)
        subprocess.run(["mount", "--bind", "/run/resolv.conf", str(target)], check=True)
