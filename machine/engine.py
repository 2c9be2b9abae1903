"""Finds the Docker engine; installs and starts one if none answers."""

import os
import subprocess
import sys
import time
from pathlib import Path

from machine import debian
from machine.commands import as_root, find, last_lines, run
from machine.project import DOCKERD_LOG, DOCKERD_PID
from machine.say import Stop, say

START_LIMIT = 60.0
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ENGINE_PID = Path("/run/docker.pid")
NOT_ALLOWED = (
    "The Docker engine runs, but this user is not allowed to use it. Run this, log out and in, then the same "
    'make again:\n    sudo usermod -aG docker "$USER"'
)


def ask(limit: float = 20) -> tuple[str, str]:
    """(version, "os/architecture") of the engine that docker reaches, or ("", the error message of docker)."""
    got = run(["docker", "version", "--format", "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}"], limit=limit)
    if got.returncode == 0 and got.stdout.strip():
        version, _, platform = got.stdout.strip().partition(" ")
        return version, platform
    return "", got.stderr.strip() or got.stdout.strip()


def missing() -> dict[str, str]:
    """The Debian packages to install for an engine; Stop if it must be installed manually."""
    version, answer = ask()
    if _denied(answer):
        raise Stop(NOT_ALLOWED)
    if version or (find("docker") and (find("dockerd") or elsewhere())):
        return {}
    if sys.platform != "linux":
        raise Stop(
            "No Docker engine answers. Install and start Docker Desktop "
            "(https://docs.docker.com/get-started/get-docker/), then run the same make again."
        )
    if not debian.can_install():
        raise Stop(
            "No Docker engine answers. Install and start the one of your distribution "
            "(https://docs.docker.com/engine/install/), then run the same make again."
        )
    certificates = {} if CERTIFICATES.exists() else {"ca-certificates": "the certificates that the engine trusts"}
    return {"docker.io": "the Docker engine", **certificates}


def elsewhere() -> str:
    """The engine that the user configured for the docker command, if it is not this machine's own."""
    if host := os.environ.get("DOCKER_HOST"):
        return f"DOCKER_HOST={host}"
    context = run(["docker", "context", "inspect", "--format", "{{.Name}}"], limit=10).stdout.strip()
    return f"docker context {context}" if context not in ("", "default") else ""


def _denied(answer: str) -> bool:
    """Whether an engine runs, but denies access to this user."""
    return "permission denied" in answer.lower()


def ensure() -> tuple[str, str]:
    """(version, platform) of the engine, started if necessary; Stop with the fix if none answers."""
    if not find("docker"):
        # In newer Debian releases, the command has its own package.
        debian.install({"docker-cli": "the docker command"})
    version, answer = ask()
    if not version:
        _start(answer)
        version, answer = ask()
    return version, answer


def _start(answer: str) -> None:
    if sys.platform != "linux":
        raise Stop("The Docker engine is not running. Start Docker Desktop, then run the same make again.")
    if place := elsewhere():
        raise Stop(f"No Docker engine answers at {place}. Start it, or unset that to use this machine's own.")
    if _starting():
        wait(None)
        return
    root = as_root()
    if root is None:
        command = "sudo systemctl start docker" if debian.has_systemd() else "sudo service docker start"
        raise Stop(f"The Docker engine is not running. Run this, then the same make again:\n    {command}")
    if not debian.has_systemd():
        wait(_start_dockerd(root))
        return
    say("Starting the Docker engine: systemctl start docker")
    got = run([*root, "systemctl", "start", "docker"], limit=START_LIMIT)
    if got.returncode:
        raise Stop(f"systemctl could not start the Docker engine:\n{last_lines(got.stderr)}")
    wait(None)


def _starting() -> bool:
    """Whether the system already starts its engine, for example after installing the package."""
    try:
        return Path("/proc", ENGINE_PID.read_text().strip(), "comm").exists()
    except OSError:
        return False


def _start_dockerd(root: list[str]) -> "subprocess.Popen[bytes]":
    dockerd = find("dockerd")
    if not dockerd:
        raise Stop("The docker command is here but not its engine. Install it, then run the same make again.")
    DOCKERD_LOG.parent.mkdir(parents=True, exist_ok=True)
    say(f"Starting the Docker engine: {' '.join([*root, dockerd])} (log: {DOCKERD_LOG})")
    argv = [*root, dockerd, "--pidfile", str(DOCKERD_PID)]
    if group := _group():
        argv += ["--group", str(group)]
    # Its own session and no terminal: it must outlive the shell that make runs in.
    with DOCKERD_LOG.open("ab") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True)


def _group() -> int:
    """The group that can access the engine: that of the user who ran sudo; 0 for the engine's default."""
    return os.getgid() if os.geteuid() else int(os.environ.get("SUDO_GID") or 0)


def wait(process: "subprocess.Popen[bytes] | None") -> None:
    """Return when the engine answers; Stop with the end of its log when it exits or takes too long."""
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        version, answer = ask(limit=5)
        if version:
            return
        if _denied(answer):
            raise Stop(NOT_ALLOWED)
        if process and process.poll() is not None:
            break
        time.sleep(0.2)
    log = last_lines(DOCKERD_LOG.read_text(errors="replace")) if process else f"    {answer}"
    raise Stop(f"The Docker engine does not start. The end of its log:\n{log}")


def started_here() -> int | None:
    """The process id of the engine that make started, if it still runs."""
    try:
        pid = int(DOCKERD_PID.read_text())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read().split(b"\0")
    except (OSError, ValueError):
        return None
    # Another process may have the same id by now.
    return pid if os.fsencode(DOCKERD_PID) in command else None


def how_to_restart() -> str:
    """The command, or what to do, that restarts the engine which docker uses."""
    host = os.environ.get("DOCKER_HOST", "")
    desktop = run(["docker", "info", "--format", "{{.OperatingSystem}}"], limit=20).stdout.strip() == "Docker Desktop"
    if desktop or sys.platform != "linux":
        return "restart Docker Desktop, or the program that runs your engine"
    if pid := started_here():
        return f"sudo kill {pid}, then make setup, which starts the engine again"
    name = "podman" if "podman" in host or "podman" in run(["docker", "--version"], limit=20).stdout else "docker"
    if host.startswith("unix:///run/user/"):
        return f"systemctl --user restart {name}"
    return f"sudo systemctl restart {name}" if debian.has_systemd() else f"sudo service {name} restart"


def stop() -> bool:
    """Stop the engine that make started, and wait for it; False if there is none."""
    pid = started_here()
    if pid is None:
        return False
    root = as_root()
    if root is None:
        raise Stop(f"Ending the Docker engine needs root. Run: sudo kill {pid}")
    # kill is a shell builtin: minimal systems do not have the program.
    run([*root, "/bin/sh", "-c", f"kill {pid}"])
    until = time.monotonic() + START_LIMIT
    while started_here() and time.monotonic() < until:
        time.sleep(0.1)
    if started_here():
        raise Stop(f"The Docker engine (process {pid}) does not end; its log is {DOCKERD_LOG}.")
    return True
