"""Checks every prerequisite; a row that fails has the command that fixes it.

A row is ``{"name", "ok", "text", "detail", "fix"}``: ``text`` is the same on every machine where the row is ok (for the
notebook), ``detail`` has the versions and figures of this machine.
"""

import contextlib
import os
import shutil
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import ecr_sandbox
from ecr_sandbox import SandboxError
from helpers import lab, settings
from helpers.doctor_rows import Row, miss, ok
from helpers.room import sharing
from machine import aws_cli, engine_check

PYTHON = (3, 11)
FREE_BYTES = 2_000_000_000
CLOCK_SECONDS = 300  # the least difference that AWS accepts


def report() -> None:
    """Print every prerequisite; a row that is ok prints the same on every machine."""
    for row in examine():
        print(line(row, figures=False))


def examine() -> list[Row]:
    """All rows for the target in use."""
    aws = settings.target() == "aws"
    status = None if aws else _enter_sandbox()
    engine = _engine_info()
    engine_answers = engine_row(engine)
    return [
        python_row(sys.version_info[:3]),
        docker_row(),
        engine_answers,
        *([containers_row()] if engine_answers["ok"] else []),
        *([] if aws else [reach_row(engine, status), port_row(status)]),
        disk_row(engine),
        clock_row(engine),
        aws_cli_row(),
        *(_aws_rows() if aws else []),
    ]


def line(row: Row, figures: bool = True) -> str:
    """One row as it is printed; without figures it is the same on every machine where it is ok."""
    head = f"{'✔' if row['ok'] else '✗'} {row['name']:<15}"
    if not row["ok"]:
        return f"{head} {row['text']}. Fix: {row['fix']}"
    return f"{head} {', '.join(part for part in (row['detail'] if figures else '', row['text']) if part)}"


def python_row(version: tuple) -> Row:
    """Whether this Python is new enough."""
    shown, least = ".".join(map(str, version)), ".".join(map(str, PYTHON))
    if version[:2] < PYTHON:
        return miss("Python", f"{shown} is too old", f"install Python {least} or newer, then make setup")
    return ok("Python", "new enough", shown)


def docker_row() -> Row:
    """Whether there is a docker command."""
    version = ecr_sandbox.docker_version()
    if not version:
        return miss("Docker CLI", "not installed", lab.with_setup(ecr_sandbox.install_docker(sys.platform)))
    return ok("Docker CLI", "installed", version)


def engine_row(engine: "dict | SandboxError") -> Row:
    """Whether the Docker engine answers, and if not, why."""
    if isinstance(engine, SandboxError):
        return miss("Docker engine", engine.wrong.rstrip("."), engine.fix)
    if ecr_sandbox.is_remote_engine(engine["host"]):
        error = ecr_sandbox.explain_engine_error(Exception(), engine["host"])
        return miss("Docker engine", error.wrong.rstrip("."), error.fix)
    return ok("Docker engine", "running", str(engine.get("ServerVersion", "")))


def containers_row() -> Row:
    """Whether the engine does what the lessons need: a build step, a container, a published port."""
    try:
        engine_check.check()
    except engine_check.Broken as broken:
        return miss("Containers", broken.wrong, broken.fix)
    return ok("Containers", "an image is built, a container runs, its port answers")


def reach_row(engine: "dict | SandboxError", status: dict | None) -> Row:
    """Whether the engine reaches the sandbox, directly or through the forwarder."""
    name = "Sandbox"
    if not status:
        return ok(name, "not started yet, connect() or `ecr-lab up` does that")
    if isinstance(engine, SandboxError):
        return ok(name, "running", status["endpoint"])
    try:
        forwarded = ecr_sandbox.make_reachable(lab.docker_client(), settings.sandbox(), status["ports"])
    except SandboxError as error:
        return miss(name, error.wrong.rstrip("."), error.fix)
    return ok(name, "running, the engine reaches it", status["endpoint"] + (" (forwarded)" if forwarded else ""))


def port_row(status: dict | None) -> Row:
    """Whether the sandbox has its port, or the port is free."""
    if status:
        return ok("Port", "in use by the sandbox", str(status["port"]))
    try:
        chosen = settings.port()
    except ValueError as error:
        return miss("Port", str(error).rstrip("."), "unset ECR_TUTORIAL_PORT, or give it a free port")
    port = chosen or ecr_sandbox.remembered_ports(settings.state()).get("sandbox") or settings.DEFAULT_PORT
    if ecr_sandbox.is_port_free(port):
        return ok("Port", "free", str(port))
    holder = holder_of(port)
    by = f"taken by {holder}" if holder else "taken by another program"
    if not chosen:
        return ok("Port", "the next free one will be used", f"{port} is {by}")
    return miss("Port", f"{port} is {by}", f"end that program, or ECR_TUTORIAL_PORT={port + 1}")


def disk_row(engine: "dict | SandboxError") -> Row:
    """Whether there is space for images, in the state folder and in that of the engine."""
    places = [_existing(settings.state())]
    root = None if isinstance(engine, SandboxError) else engine.get("DockerRootDir")
    if root and Path(root).is_dir():  # in a virtual machine it is not a folder of this machine
        places.append(Path(root))
    left = {place: shutil.disk_usage(place).free for place in places}
    place = min(left, key=lambda one: left[one])
    free = f"{left[place] / 1e9:.1f} GB free"
    if left[place] < FREE_BYTES:
        return miss("Disk space", f"only {free} in {place}", "free 2 GB (docker system prune removes what is unused)")
    return ok("Disk space", "enough", free)


def clock_row(engine: "dict | SandboxError") -> Row:
    """Whether this clock agrees with that of AWS or, for the sandbox, of the engine's machine."""
    aws = settings.target() == "aws"
    other = _aws_time() if aws else _engine_time(engine)
    if other is None:
        return ok("Clock", "nothing to compare it with")
    off = abs((datetime.now(UTC) - other).total_seconds())
    if off > CLOCK_SECONDS:
        return miss(
            "Clock",
            f"{off / 60:.0f} minutes away from {'AWS' if aws else 'the Docker engine'}'s",
            "sudo hwclock -s (WSL2), restart Docker Desktop, or switch on network time",
        )
    return ok("Clock", "right", f"{off:.0f} s off")


def aws_cli_row() -> Row:
    """Whether the course has an aws command, which version, and how to get version 2 if it is version 1."""
    program = settings.aws_cli()
    version = aws_cli.version(program)
    if not version:
        return miss("AWS CLI", "not installed", "make setup")
    shown = ".".join(map(str, version))
    if (2,) <= version < aws_cli.LEAST:
        return miss("AWS CLI", f"{shown} is too old", aws_cli.ADVICE)
    detail = f"{shown} ({program.resolve()})"
    if version < (2,):
        detail += f"; for version 2, {aws_cli.ADVICE}"
    return ok("AWS CLI", "installed", detail)


def room_rows() -> list[Row]:
    """Whether the teacher's room receives the messages, for a learner who joined one; else no row."""
    joined = sharing.joined()
    if not joined:
        return []
    if why := sharing.check(joined):
        return [miss("Room", why.rstrip("."), "ask your teacher, or ecr-lab leave; the lessons work without it")]
    return [ok("Room", "joined", f"{joined.address} as {joined.name}")]


def holder_of(port: int) -> str | None:
    """The program that listens on this port of localhost; None if it cannot be found out."""
    import psutil  # type: ignore[import-untyped]

    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):  # without root, the connections of other users are hidden
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return f"{process.name()} (process {process.pid})"
    return None


def _aws_rows() -> list[Row]:
    from helpers import doctor_aws  # imports what plots costs, which takes a second

    return doctor_aws.rows()


def _enter_sandbox() -> dict | None:
    """Apply the running sandbox's environment, so that no keychain is read; its status, None if none runs."""
    try:
        status, new, unset = lab.enter_sandbox()
    except (SandboxError, ValueError):  # no sandbox runs, or its port is not a port: a row shows it
        return None
    ecr_sandbox.apply_environment(new, unset)
    return status


def _engine_info() -> "dict | SandboxError":
    """The engine's own information and its address; or the error."""
    try:
        host = ecr_sandbox.docker_variables(os.environ)["DOCKER_HOST"]
        return lab.docker_client().info() | {"host": host}
    except SandboxError as error:
        return error


def _engine_time(engine: "dict | SandboxError") -> datetime | None:
    if isinstance(engine, SandboxError):
        return None
    with contextlib.suppress(ValueError, KeyError):
        # Python does not parse nanoseconds; seconds are enough.
        return datetime.fromisoformat(engine["SystemTime"][:19]).replace(tzinfo=UTC)
    return None


def _aws_time() -> datetime | None:
    import requests

    try:
        date = requests.get("https://sts.amazonaws.com/", timeout=5).headers.get("Date")
    except requests.RequestException:
        return None
    return parsedate_to_datetime(date) if date else None


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest parent that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
