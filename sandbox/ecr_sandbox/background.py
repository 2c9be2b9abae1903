"""The sandbox as a background process: find it, start it, stop it."""

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
from urllib.parse import urlsplit

from ecr_sandbox import docker_engine, settings
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.state.processes import command_of

READY_SECONDS = 30
STOP_SECONDS = 10
SWEEP_SECONDS = 600
LOG_LIMIT = 1_000_000

COMMAND = (sys.executable, "-m", "ecr_sandbox")
SIGN = "ecr_sandbox"  # what a list of processes shows of it

# Held so that the interpreter does not warn about processes that are meant to outlive it.
_started: list[subprocess.Popen] = []


def find() -> dict | None:
    """What the running sandbox of this state folder says of itself (sandbox.json), or None."""
    noted = _noted()
    if not noted:
        return None
    told = _ask(noted["endpoint"])
    # After a crash another program, or the sandbox of another folder, may answer at the old address.
    return told if told and told.get("pid") == noted["pid"] and _same_folder(told) else None


def start() -> dict:
    """Start the sandbox unless it runs, wait until it is ready, and return what it says of itself."""
    found = find()
    if found:
        return found
    with _only_one_starter():
        return find() or _launch()


def stop() -> bool:
    """Stop the sandbox of this state folder and wait for its end; False when none was running."""
    noted = _noted()
    if not noted or not (find() or _is_sandbox(noted["pid"])):
        return False
    pid = noted["pid"]
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        if _gone(pid, seconds):
            return True
    raise SandboxError(f"The sandbox (process {pid}) does not end.", f"kill -9 {pid}")


def collect_garbage(idle: float) -> dict:
    """Let the running sandbox free the layers that no image uses; what it freed and kept. Raises SandboxError."""
    running = find()
    if not running:
        raise SandboxError("The sandbox is not running.", "ecr-lab up")
    swept = _ask(running["endpoint"], "POST", f"/gc?idle={idle}", SWEEP_SECONDS)
    if swept is None:
        raise SandboxError("The sandbox could not look for unused layers.", f"read its log: {log_file()}")
    if kept := swept.get("put_aside"):
        raise SandboxError(
            f"Nothing was freed: a state file that could not be read is kept as {', '.join(kept)}, and its layers too.",
            "move it away, or remove it",
        )
    return swept


def advance_clock(seconds: float) -> float:
    """Move the running sandbox's clock on; the Unix time that it has now. Raises SandboxError."""
    running = find()
    if not running:
        raise SandboxError("The sandbox is not running.", "ecr-lab up")
    told = _ask(running["endpoint"], "POST", "/clock", body=json.dumps({"forward": seconds}))
    if told is None:
        raise SandboxError(
            f"The clock cannot be moved by {seconds:g} seconds.", "move it forward, by less than 100 years"
        )
    return float(told["now"])


def seen_packages() -> list[tuple[str, str]]:
    """Ecosystem and name of every package that the running sandbox has found in an image; none when it does not run."""
    running = find()
    told = _ask(running["endpoint"], "GET", "/advisories") if running else None
    return [(ecosystem, name) for ecosystem, name in (told or {}).get("packages", ())]


def advisories_changed() -> None:
    """Let the running sandbox, if there is one, look again at what it scans continuously."""
    if running := find():
        _ask(running["endpoint"], "POST", "/advisories")


def log_file() -> Path:
    """Where the background sandbox writes what it has to say."""
    return settings.state() / "log" / "sandbox.log"


def _noted() -> dict | None:
    try:
        noted = json.loads((settings.state() / "sandbox.json").read_text())
        return noted if {"endpoint", "pid"} <= noted.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _ask(
    endpoint: str, method: str = "GET", what: str = "", seconds: float = 3, body: str | None = None
) -> dict | None:
    """What /_sandbox answers; straight, because a proxy named in the environment cannot know our localhost."""
    where = urlsplit(endpoint)
    try:
        talk = http.client.HTTPConnection(where.hostname or "localhost", where.port, timeout=seconds)
        with contextlib.closing(talk):
            talk.request(method, f"/_sandbox{what}", body)
            answer = talk.getresponse()
            told = json.loads(answer.read())
        return told if answer.status == 200 and isinstance(told, dict) else None
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _same_folder(told: dict) -> bool:
    return Path(told.get("state", "")).resolve() == settings.state()


@contextlib.contextmanager
def _only_one_starter() -> Iterator[None]:
    import fcntl

    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        lock = (settings.state() / "starting.lock").open("w")
    except OSError as why:
        raise SandboxError(
            f"The state folder {settings.state()} cannot be written ({why.strerror}).",
            "free some disk space or fix its permissions, or set ECR_TUTORIAL_STATE to another folder.",
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _launch() -> dict:
    log = log_file()
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.unlink()
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as out:
        child = subprocess.Popen(
            COMMAND,
            cwd=settings.PROJECT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    _started.append(child)
    return _wait_until_ready(child, log, before)


def _environment() -> dict[str, str]:
    """The sandbox's own: botocore, which it uses too, must not find the user's models and settings."""
    home = settings.state() / "aws" / "home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Its registry may run in a container, so the engine is named before the home is another.
    host = docker_engine.variables(os.environ)
    return kept | host | {"ECR_TUTORIAL_STATE": str(settings.state()), "HOME": str(home)}


def _wait_until_ready(child: subprocess.Popen, log: Path, before: int) -> dict:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        # Ours may have lost against one started by hand a moment ago: then that one is waited for.
        if child.poll() is not None and not _somebody_holds_the_lock():
            raise SandboxError(*_why(log, before))
        time.sleep(0.05)
    child.terminate()
    raise SandboxError(f"The sandbox was not ready after {READY_SECONDS} seconds.", f"read its log: {log}")


def _somebody_holds_the_lock() -> bool:
    import fcntl

    try:
        with (settings.state() / "sandbox.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _why(log: Path, before: int) -> tuple[str, str]:
    """The sandbox's own sentence from its log, or where to read more when it left none."""
    with log.open("rb") as text:
        text.seek(before)
        lines = text.read().decode(errors="replace").strip().splitlines()
    if not lines or any(line.startswith("Traceback") for line in lines):
        return "The sandbox ended while it was starting.", f"read its log: {log}"
    return lines[-1], ""


def _is_sandbox(pid: int) -> bool:
    """Whether this process is a sandbox (it may hang and not answer): numbers are used again."""
    return SIGN in command_of(pid)


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
