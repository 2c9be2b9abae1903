"""Every prerequisite, checked; each miss with the command that fixes it.

A row is ``{"name", "ok", "says", "detail", "mend"}``: ``says`` reads the same on every machine where the
row is ok (for the notebook), ``detail`` has the versions and figures of this one.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path

from ecr_sandbox import docker_engine, docker_forwarder, environment
from ecr_sandbox.errors import LabError
from ecr_sandbox.http import listeners

from helpers import lab, settings

PYTHON = (3, 11)
ROOM = 2_000_000_000
CLOCK_SECONDS = 300  # what AWS forgives at the least

Row = dict


def report() -> None:
    """Print every prerequisite; what is right prints the same on every machine."""
    for row in examine():
        print(line(row, figures=False))


def examine() -> list[Row]:
    """All rows for the target in use."""
    aws = settings.target() == "aws"
    status = None if aws else _enter_sandbox()
    found = _engine()
    rows = [
        python_row(sys.version_info[:3]),
        docker_row(),
        engine_row(found),
        *([] if aws else [reach_row(found, status), port_row(status)]),
        disk_row(found),
        clock_row(found),
        aws_cli_row(aws),
        *(aws_rows() if aws else []),
    ]
    return rows


def line(row: Row, figures: bool = True) -> str:
    """One row as it is printed; without figures it reads the same wherever it is ok."""
    head = f"{'✔' if row['ok'] else '✗'} {row['name']:<15}"
    if not row["ok"]:
        return f"{head} {row['says']}. Mend: {row['mend']}"
    return f"{head} {', '.join(part for part in (row['detail'] if figures else '', row['says']) if part)}"


def python_row(version: tuple) -> Row:
    """Whether this Python is new enough."""
    shown, least = ".".join(map(str, version)), ".".join(map(str, PYTHON))
    if version[:2] < PYTHON:
        return _miss("Python", f"{shown} is too old", f"install Python {least} or newer, then make setup")
    return _ok("Python", "new enough", shown)


def docker_row() -> Row:
    """Whether there is a docker command."""
    version = docker_engine.cli_version()
    if not version:
        return _miss("Docker CLI", "not installed", lab.with_setup(docker_engine.install_docker(sys.platform)))
    return _ok("Docker CLI", "installed", version)


def engine_row(found: "dict | LabError") -> Row:
    """Whether the Docker engine answers, and if not, why."""
    if isinstance(found, LabError):
        return _miss("Docker engine", found.wrong.rstrip("."), found.fix)
    if docker_engine.is_elsewhere(found["host"]):
        trouble = docker_engine.trouble(Exception(), found["host"])
        return _miss("Docker engine", trouble.wrong.rstrip("."), trouble.fix)
    return _ok("Docker engine", "running", str(found.get("ServerVersion", "")))


def reach_row(found: "dict | LabError", status: dict | None) -> Row:
    """Whether the engine and this machine mean the same by localhost, or the forwarder helps."""
    name = "Sandbox"
    if not status:
        return _ok(name, "not started yet, connect() or `ecr-lab up` does that")
    if isinstance(found, LabError):
        return _ok(name, "running", status["endpoint"])
    try:
        forwarded = docker_forwarder.make_reachable(lab.docker_client(), settings.sandbox(), status["ports"])
    except LabError as trouble:
        return _miss(name, trouble.wrong.rstrip("."), trouble.fix)
    return _ok(name, "running, the engine reaches it", status["endpoint"] + (" (forwarded)" if forwarded else ""))


def port_row(status: dict | None) -> Row:
    """Whether the sandbox has its port, or can have it."""
    if status:
        return _ok("Port", "in use by the sandbox", str(status["port"]))
    try:
        asked = settings.port()
    except ValueError as wrong:
        return _miss("Port", str(wrong).rstrip("."), "unset ECR_TUTORIAL_PORT, or give it a free port")
    port = asked or _remembered_port() or settings.DEFAULT_PORT
    if is_free(port):
        return _ok("Port", "free", str(port))
    holder = holder_of(port)
    by = f"taken by {holder}" if holder else "taken by another program"
    if not asked:
        return _ok("Port", "the next free one will be used", f"{port} is {by}")
    return _miss("Port", f"{port} is {by}", f"end that program, or ECR_TUTORIAL_PORT={port + 1}")


def disk_row(found: "dict | LabError") -> Row:
    """Whether images find room, in the state folder and where the engine keeps its own."""
    places = [_existing(settings.state())]
    root = None if isinstance(found, LabError) else found.get("DockerRootDir")
    if root and Path(root).is_dir():  # in a virtual machine it is none of ours
        places.append(Path(root))
    left = {place: _room(place) for place in places}
    place = min(left, key=lambda one: left[one])
    free = f"{left[place] / 1e9:.1f} GB free"
    if left[place] < ROOM:
        return _miss("Disk space", f"only {free} in {place}", "free 2 GB (docker system prune removes what is unused)")
    return _ok("Disk space", "enough", free)


def clock_row(found: "dict | LabError") -> Row:
    """Whether this clock agrees with AWS's, or, for the sandbox, with that of the engine's machine."""
    aws = settings.target() == "aws"
    other = _aws_time() if aws else _engine_time(found)
    if other is None:
        return _ok("Clock", "nothing to compare it with")
    off = abs((datetime.now(UTC) - other).total_seconds())
    if off > CLOCK_SECONDS:
        return _miss(
            "Clock",
            f"{off / 60:.0f} minutes away from {'AWS' if aws else 'the Docker engine'}'s",
            "sudo hwclock -s (WSL2), restart Docker Desktop, or switch on network time",
        )
    return _ok("Clock", "right", f"{off:.0f} s off")


def aws_cli_row(aws: bool) -> Row:
    """Whether there is an aws command: in the sandbox the tutorial's own, on AWS the user's."""
    own = environment.venv_bin() / "aws"
    path = os.environ.get("PATH", os.defpath)
    program = shutil.which("aws", path=path if aws else str(environment.venv_bin()))
    if not program:
        return _miss("AWS CLI", "not installed", "make setup")
    if Path(program) == own:
        return _ok("AWS CLI", "installed", metadata.version("awscli"))
    told = _output([program, "--version"])
    return _ok("AWS CLI", "installed", told.partition(" ")[0].removeprefix("aws-cli/"))


def aws_rows() -> list[Row]:
    """On AWS: who you are, where, and whether you may use ECR."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session()
    try:
        _, region, arn = lab.aws_identity(session)
    except LabError as trouble:
        return [_miss("AWS identity", trouble.wrong.rstrip("."), trouble.fix)]
    rows = [_ok("AWS identity", "known", arn), _ok("AWS region", "set", region)]
    ecr = session.client("ecr")
    for action, call in (
        ("ecr:GetAuthorizationToken", ecr.get_authorization_token),
        ("ecr:DescribeRepositories", ecr.describe_repositories),
    ):
        try:
            call()
        except ClientError as refused:
            code = refused.response["Error"]["Code"]
            mend = "attach the policy AmazonEC2ContainerRegistryFullAccess to your user or role"
            return [*rows, _miss("Permissions", f"{action} was refused ({code})", mend)]
        except BotoCoreError as wrong:
            return [
                *rows,
                _miss("Permissions", f"ECR cannot be reached ({wrong})", "check network and region"),
            ]
    return [*rows, _ok("Permissions", "ECR answers you")]


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of this machine."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> str | None:
    """The program that listens on this port, as far as this machine tells us."""
    inodes = _listening(port)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(link) in inodes for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
    told = _output(["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]).splitlines()
    seen = {entry[:1]: entry[1:] for entry in told}
    return f"{seen['c']} (process {seen['p']})" if {"c", "p"} <= seen.keys() else None


def _remembered_port() -> int | None:
    return listeners.remembered(settings.state()).get(listeners.MAIN)


def _listening(port: int) -> set[str]:
    """The sockets that listen on this port, as /proc names them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for entry in Path(table).read_text().splitlines()[1:]:
                fields = entry.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def _enter_sandbox() -> dict | None:
    """The status of the running sandbox; applies its isolated environment, so that no keychain is asked below."""
    try:
        status, new, gone = lab.enter_sandbox()
    except (LabError, ValueError):  # no sandbox runs, or its port is not a port: a row says so
        return None
    environment.apply(new, gone)
    return status


def _engine() -> "dict | LabError":
    """What the engine says of itself, with the address it has; or why it says nothing."""
    try:
        host = docker_engine.variables(os.environ)["DOCKER_HOST"]
        return lab.docker_client().info() | {"host": host}
    except LabError as trouble:
        return trouble


def _engine_time(found: "dict | LabError") -> datetime | None:
    if isinstance(found, LabError):
        return None
    with contextlib.suppress(ValueError, KeyError):
        # Nanoseconds are more than Python reads: seconds are enough here.
        return datetime.fromisoformat(found["SystemTime"][:19]).replace(tzinfo=UTC)
    return None


def _aws_time() -> datetime | None:
    import urllib.request
    from urllib.error import HTTPError

    try:
        answer = urllib.request.urlopen("https://sts.amazonaws.com/", timeout=5)
    except HTTPError as refused:
        answer = refused
    except OSError:
        return None
    with answer:
        told = answer.headers.get("Date")
    return parsedate_to_datetime(told) if told else None


def _existing(path: Path) -> Path:
    """The folder itself or the nearest one above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _room(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _output(words: list[str]) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _ok(name: str, says: str, detail: str = "") -> Row:
    return {"name": name, "ok": True, "says": says, "detail": detail, "mend": ""}


def _miss(name: str, says: str, mend: str) -> Row:
    return {"name": name, "ok": False, "says": says, "detail": says, "mend": mend}
