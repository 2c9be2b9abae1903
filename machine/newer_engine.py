"""Runs a command with Docker as new installations have it: the containerd image store and BuildKit.

    python -m machine.newer_engine COMMAND …

The engine is Debian's newer one, fetched by `machine.clients`. It runs on a private machine, keeps its data in the
cache, and ends with the command. Where this is not possible, the command runs with this machine's own engine.
"""

import contextlib
import fcntl
import io
import json
import os
import pwd
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import base_image, clients, engine, engine_check, private_machine
from machine.commands import SYSTEM, as_root, find, last_lines, run
from machine.project import CACHE, base_image_layout
from machine.say import Stop, say

DATA = CACHE / "newer-engine"
LOG = DATA / "log"
REFUSED = DATA / "refused"  # the first process writes here why the engine cannot be used
PROGRAMS = ("newer-dockerd", "newer-docker", "newer-containerd", "docker-buildx", "runc")
CGROUP = "learn-amazon-ecr"
CONFIGURATION = {
    "features": {"containerd-snapshotter": True},
    "exec-opts": ["native.cgroupdriver=cgroupfs"],  # systemd cannot be reached from inside
    "cgroup-parent": f"/{CGROUP}",
    "ip6tables": False,
    "shutdown-timeout": 5,
}
PROGRAM_FOLDER = Path("/run/learn-amazon-ecr")  # inside, where /run is empty
CGROUPS = Path("/sys/fs/cgroup")
OF_ANOTHER_ENGINE = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_BUILDKIT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
INSIDE, USER = "--inside", "--user"


def main(arguments: list[str]) -> int:
    """Run the command in *arguments*, and return its exit code."""
    if arguments[:1] == [INSIDE]:
        return _inside(*_command(arguments[1:]))
    if os.geteuid() and (root := as_root()):
        # sudo sets these two anew.
        kept = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME") if name in os.environ]
        again = [sys.executable, "-m", "machine.newer_engine", USER, f"{os.getuid()}:{os.getgid()}", *arguments]
        return subprocess.call([*root, "-E", "env", *kept, *again])
    try:
        return _on_a_private_machine(arguments)
    except private_machine.Unavailable as unavailable:
        say(f"The newer Docker engine cannot be used ({unavailable}); this machine's own engine is used instead.")
        command, user = _command(arguments)
        return subprocess.call(command, **user)


def _command(arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The command, and the user that runs it, as options of `subprocess`: who called sudo, or who runs this."""
    if arguments[0] != USER:
        return arguments, {}
    user, group = map(int, arguments[1].split(":"))
    groups = os.getgrouplist(pwd.getpwuid(user).pw_name, group)
    return arguments[2:], {"user": user, "group": group, "extra_groups": groups}


def missing() -> str:
    """What the engine needs and is missing here, or an empty string."""
    if lacking := [program for program in PROGRAMS if not clients.find(program)]:
        return f"{', '.join(lacking)} could not be fetched"
    return "" if base_image_layout().is_dir() else "make setup has saved no copy of the base image"


def check_available() -> None:
    """Raise `Unavailable` if there can be no private machine, or if the engine needs something that is missing."""
    private_machine.check()
    if why := missing():
        raise private_machine.Unavailable(why)


def _on_a_private_machine(arguments: list[str]) -> int:
    check_available()
    DATA.mkdir(parents=True, exist_ok=True)
    with (DATA / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two engines cannot share their data
        REFUSED.unlink(missing_ok=True)
        status = private_machine.start([sys.executable, "-m", "machine.newer_engine", INSIDE, *arguments])
        _remove_cgroups()
        if REFUSED.exists():
            raise private_machine.Unavailable(REFUSED.read_text())
        return status


def _inside(command: list[str], user: dict[str, Any]) -> int:
    """As the first process of the private machine: start the engine, run the command, stop the engine."""
    private_machine.enter()
    for name in OF_ANOTHER_ENGINE:
        os.environ.pop(name, None)
    os.environ |= _environment()
    try:
        _use_working_iptables()
        dockerd = _start(user.get("group", 0))
        _load_base_image()
        _check()
    except (Stop, engine_check.Broken) as error:
        REFUSED.write_text(" ".join(str(error).split()).rstrip("."))
        return 1
    status = private_machine.wait_for(subprocess.Popen(command, stdin=subprocess.DEVNULL, **user))
    _stop(dockerd)
    return status


def _environment() -> dict[str, str]:
    """The variables with which `docker` is the newer one, has buildx, and finds the engine."""
    configuration = DATA / "docker"
    plugin = configuration / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.unlink(missing_ok=True)
    plugin.symlink_to(clients.find("docker-buildx") or "")
    theirs = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    proxies = {}
    with contextlib.suppress(OSError, ValueError):
        proxies = json.loads(theirs.read_text()).get("proxies", {})
    (configuration / "config.json").write_text(json.dumps({"proxies": proxies}))
    folders = [str(PROGRAM_FOLDER), *map(str, clients.newer_folders()), os.environ.get("PATH", ""), *SYSTEM]
    return {"PATH": os.pathsep.join(folders), "DOCKER_CONFIG": str(configuration)}


def _use_working_iptables() -> None:
    """Give the engine the iptables that this kernel supports: the system's choice, the one of nftables, the older."""
    for name in ("iptables", "iptables-nft", "iptables-legacy"):
        path = find(name)
        if path and run([path, "--table", "nat", "--list", "--numeric"]).returncode == 0:
            PROGRAM_FOLDER.mkdir()
            (PROGRAM_FOLDER / "iptables").symlink_to(path)
            return
    raise Stop("iptables is missing, or does not work here")


def _start(group: int) -> "subprocess.Popen[bytes]":
    """Start the engine and wait until it answers; Stop with the end of its log if it does not."""
    configuration = DATA / "daemon.json"
    configuration.write_text(json.dumps(CONFIGURATION))
    argv = ["dockerd", "--config-file", str(configuration), "--data-root", str(DATA / "data")]
    with LOG.open("wb") as log:
        dockerd = subprocess.Popen(
            [*argv, "--group", str(group)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + engine.START_LIMIT
    while not engine.ask(limit=5)[0]:
        if dockerd.poll() is not None or time.monotonic() > until:
            raise Stop(f"it does not start:{last_lines(LOG.read_text(errors='replace'), 1)}")
        time.sleep(0.1)
    return dockerd


def _stop(dockerd: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + engine.START_LIMIT
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has ended before
        os.kill(dockerd.pid, signal.SIGTERM)
        while time.monotonic() < until and os.waitpid(dockerd.pid, os.WNOHANG) == (0, 0):
            time.sleep(0.05)


def _load_base_image() -> None:
    """Load the base image from the copy that `make setup` saves, unless the engine has it."""
    layout = base_image_layout()
    index = json.loads((layout / "index.json").read_text())
    (manifest,) = index["manifests"]
    image = base_image.inspect()
    if image and image.id == manifest["digest"]:
        return
    manifest["annotations"]["io.containerd.image.name"] = base_image.NAME
    content = json.dumps(index).encode()
    with tempfile.NamedTemporaryFile(dir=DATA, suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name in ("oci-layout", "blobs"):
                tar.add(layout / name, name)
            entry = tarfile.TarInfo("index.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        file.flush()
        got = run(["docker", "load", "--input", file.name])
    if got.returncode:
        raise Stop(f"it did not load the base image: {last_lines(got.stderr, 1).strip()}")


def _check() -> None:
    with contextlib.suppress(engine_check.Offline):  # `make setup` has said so
        engine_check.check()


def _remove_cgroups() -> None:
    """Remove the control groups of the engine's containers, which have ended."""
    for top in (*CGROUPS.glob(CGROUP), *CGROUPS.glob(f"*/{CGROUP}")):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def remove() -> None:
    """Remove the engine's data, which belong to root."""
    if DATA.exists():
        run([*(as_root() or []), "rm", "-rf", str(DATA)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
