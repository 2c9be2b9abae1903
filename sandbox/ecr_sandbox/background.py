"""The sandbox as a background process: find it, start it, stop it, and what it does on request."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ecr_sandbox import docker_engine, docker_forwarder
from ecr_sandbox.auth import control_key
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings
from ecr_sandbox.state import atomic_files, disk, origin
from ecr_sandbox.state.processes import command_of
from ecr_sandbox.state.processes import running as running_processes

READY_SECONDS = 120  # of a busy machine; one that ended is noticed at the time
STOP_SECONDS = 10
GARBAGE_COLLECTION_SECONDS = 600
LOG_LIMIT = 1_000_000  # bytes

COMMAND = (sys.executable, "-P", "-m", "ecr_sandbox", "serve")  # -P: no module from the working directory
COMMAND_LINE = "ecr_sandbox serve"  # part of it, by which a sandbox's process is recognized

# Kept so that the interpreter does not warn about child processes, which outlive it on purpose.
_started: list[subprocess.Popen] = []


def find(sandbox: Settings) -> dict | None:
    """The status of the running sandbox (the content of its sandbox.json), or None when it does not run."""
    noted = _noted(sandbox)
    if not noted or not _same_folder(noted, sandbox):
        return None
    answer = _ask(noted["endpoint"])
    # After a crash another program, or the sandbox of another folder, may answer at this address.
    return noted if answer and all(answer.get(name) == noted.get(name) for name in ("pid", "run")) else None


def start(sandbox: Settings) -> dict:
    """Start the sandbox if it does not run, wait until it is ready, and return its status. Raises SandboxError."""
    found = find(sandbox)
    if found:
        return found
    try:
        with _start_lock(sandbox):
            found = find(sandbox)
            if not found:
                _wait_for_the_last(sandbox)
            return found or _launch(sandbox)
    except OSError as error:
        wrong, fix = disk.explain(sandbox.state, error)
        other = f"set {sandbox.variables}_STATE to another folder"
        raise SandboxError(wrong, f"{fix[0].lower()}{fix[1:]}, or {other}.") from None


def stop(sandbox: Settings) -> bool:
    """Stop the sandbox and wait until its process has ended; False when it was not running. Raises SandboxError."""
    noted = _noted(sandbox)
    if not noted or not (find(sandbox) or _is_sandbox(noted["pid"])):
        return False
    pid = noted["pid"]
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone(pid, seconds):
            return True
    raise SandboxError(f"The sandbox (process {pid}) does not end.", f"kill -9 {pid}")


def remove_containers(sandbox: Settings) -> None:
    """Remove the forwarder of this sandbox, and the tasks that it left if it was killed; nothing without an engine."""
    with contextlib.suppress(SandboxError):
        engine = docker_engine.client()
        docker_forwarder.remove_forwarder(engine, sandbox.state)
        docker_engine.remove_tasks(engine, sandbox.state)


def running(sandbox: Settings) -> dict:
    """The status of the running sandbox; raises SandboxError when it does not run."""
    found = find(sandbox)
    if not found:
        raise SandboxError("The sandbox is not running.", f"{sandbox.command} up")
    return found


def collect_garbage(sandbox: Settings, idle: float) -> dict:
    """Let the running sandbox delete the layers that no image uses; returns what it deleted and kept.

    A push that sent nothing for *idle* seconds counts as abandoned. Raises SandboxError.
    """
    result = _control(sandbox, "POST", f"/gc?idle={idle}", GARBAGE_COLLECTION_SECONDS)
    if result is None:
        raise SandboxError("The sandbox could not search for unused layers.", f"read its log: {log_file(sandbox)}")
    if kept := result.get("put_aside"):
        raise SandboxError(
            f"Nothing was freed: a state file that could not be read is kept as {', '.join(kept)}, and its layers too.",
            "move it away, or remove it",
        )
    return result


def advance_clock(sandbox: Settings, seconds: float) -> float:
    """Advance the running sandbox's clock by *seconds*; returns its time as Unix time. Raises SandboxError."""
    time_now = _control(sandbox, "POST", "/clock", body=json.dumps({"forward": seconds}))
    if time_now is None:
        raise SandboxError(
            f"The clock cannot be moved by {seconds:g} seconds.", "move it forward, by less than 100 years"
        )
    return float(time_now["now"])


def seen_packages(sandbox: Settings) -> list[tuple[str, str]]:
    """Ecosystem and name of each package that the running sandbox found in an image; empty when it does not run."""
    answer = _control(sandbox, "GET", "/advisories") if find(sandbox) else None
    return [(ecosystem, name) for ecosystem, name in (answer or {}).get("packages", ())]


def advisories_changed(sandbox: Settings) -> None:
    """Let the sandbox, if it runs, repeat its continuous scans."""
    if find(sandbox):
        _control(sandbox, "POST", "/advisories")


def log_file(sandbox: Settings) -> Path:
    """The log of the background process."""
    return sandbox.state / "log" / "sandbox.log"


def _noted(sandbox: Settings) -> dict | None:
    try:
        noted = json.loads((sandbox.state / "sandbox.json").read_text())
        here = urlsplit(noted["endpoint"]).hostname in ("localhost", "127.0.0.1", "::1")
        return noted if here and isinstance(noted["pid"], int) else None
    except (OSError, ValueError, AttributeError, LookupError, TypeError):
        return None


def _control(
    sandbox: Settings, method: str, path: str, seconds: float = 3, body: str | None = None
) -> dict[str, Any] | None:
    """What the running sandbox answers to this request with the key of its state folder. Raises SandboxError."""
    endpoint = running(sandbox)["endpoint"]
    try:
        key = control_key.authorization(sandbox.state)
    except OSError as error:
        raise SandboxError(
            f"The key of the sandbox, {sandbox.state / control_key.FILE}, cannot be read ({error.strerror}).",
            "run this as the user who started the sandbox",
        ) from None
    return _ask(endpoint, method, path, seconds, body, {"Authorization": key})


def _ask(
    endpoint: str,
    method: str = "GET",
    path: str = "",
    seconds: float = 3,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any] | None:
    """The JSON object that /_sandbox answers, or None. It uses no proxy: a proxy does not reach our localhost."""
    where = urlsplit(endpoint)
    try:
        connection = http.client.HTTPConnection(where.hostname or "localhost", where.port, timeout=seconds)
        with contextlib.closing(connection):
            connection.request(method, f"/_sandbox{path}", body, headers or {})
            response = connection.getresponse()
            answer = json.loads(response.read())
        return answer if response.status == 200 and isinstance(answer, dict) else None
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _same_folder(status: dict, sandbox: Settings) -> bool:
    return Path(status.get("state", "")).resolve() == sandbox.state.resolve()


@contextlib.contextmanager
def _start_lock(sandbox: Settings) -> Iterator[None]:
    """One process at a time starts the sandbox; the others wait and find it. Raises OSError."""
    import fcntl

    log_file(sandbox).parent.mkdir(parents=True, exist_ok=True)
    with atomic_files.lock_file(sandbox.state / "starting.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait_for_the_last(sandbox: Settings) -> None:
    """Wait until a sandbox has ended whose state folder, once at this place, was deleted. Raises SandboxError."""
    if _is_locked(sandbox):
        return  # it runs in this folder
    command = " ".join(_command(sandbox)[-3:])
    for pid in running_processes(command):
        if command_of(pid).endswith(command) and not _gone(pid, STOP_SECONDS):
            raise SandboxError(f"A sandbox still uses the state folder that was at {sandbox.state}.", f"kill {pid}")


def _command(sandbox: Settings) -> list[str]:
    """The folder is part of it, so that the process is found when its state folder is deleted."""
    return [*COMMAND, "--state", str(sandbox.state)]


def _launch(sandbox: Settings) -> dict:
    log = log_file(sandbox)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.unlink()
    before = log.stat().st_size if log.exists() else 0
    if log.is_symlink():
        log.unlink()  # the folder may be from another person, and the link may lead to a file of the user
    with log.open("ab") as out:
        child = subprocess.Popen(
            _command(sandbox),
            cwd=sandbox.state,
            env=_environment(sandbox),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    _started.append(child)
    return _wait_until_ready(child, sandbox, before)


def _environment(sandbox: Settings) -> dict[str, str]:
    """The environment of the process: without the user's AWS configuration, which botocore would read."""
    origin.use_own_only(sandbox.state)  # Python runs what it finds in its user's folder for packages
    home = sandbox.state / "aws" / "home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Fargate tasks run in the user's engine, which is found by the user's home.
    engine = docker_engine.variables(os.environ)
    return kept | engine | sandbox.environ() | {"HOME": str(home)}


def _wait_until_ready(child: subprocess.Popen, sandbox: Settings, before: int) -> dict:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        found = find(sandbox)
        if found:
            return found
        # If a sandbox was started in the foreground a moment ago, this child ends and the other one gets ready.
        if child.poll() is not None and not _is_locked(sandbox):
            raise SandboxError(*_why(log_file(sandbox), before))
        time.sleep(0.05)
    child.terminate()
    raise SandboxError(
        f"The sandbox was not ready after {READY_SECONDS} seconds.", f"read its log: {log_file(sandbox)}"
    )


def _is_locked(sandbox: Settings) -> bool:
    """Whether a sandbox uses the state folder."""
    import fcntl

    try:
        with (sandbox.state / "sandbox.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _why(log: Path, before: int) -> tuple[str, str]:
    """The process's own sentence from its log, else where the log is."""
    with log.open("rb") as text:
        text.seek(before)
        lines = text.read().decode(errors="replace").strip().splitlines()
    if not lines or any(line.startswith("Traceback") for line in lines):
        return "The sandbox ended while it was starting.", f"read its log: {log}"
    return lines[-1], ""


def _is_sandbox(pid: int) -> bool:
    """Whether this process is a sandbox, which may hang and not answer. Process numbers are used again."""
    return COMMAND_LINE in command_of(pid).replace("-", "_")


def _gone(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for child in _started:
            child.poll()
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
