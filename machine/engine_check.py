"""Does with the engine what the lessons do: a build step with network, a container, a published port."""

import http.client
import json
import re
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

from machine import base_image, engine
from machine.commands import run
from machine.project import CACHE

BUILD_LIMIT, LIMIT = 180.0, 60.0  # seconds; limits for an engine that hangs
ANSWER_LIMIT = 30.0
BEGIN, END = 120, 200  # characters of a long message that are shown; the reason is at its end

# The build step. BuildKit prints this code too, so the mark before a reason is not in it.
STEP = """
import configparser, pathlib, sys, urllib.request
from pip._internal.models.index import PyPI
if len(open("/proc/net/route").readlines()) < 2:
    sys.exit("@" * 2 + "network: it has no network")
of_pip = configparser.ConfigParser()
of_pip.read("/etc/pip.conf")
try:  # an image that has the packages needs no index: deploy/add_packages.py
    if not of_pip.getboolean("global", "no-index", fallback=False):
        urllib.request.urlopen(PyPI.simple_url + "/itsdangerous/", timeout=20)
except OSError as error:
    print("@" * 2 + f"packages: {getattr(error, 'reason', error)}")
pathlib.Path("/page").mkdir()
pathlib.Path("/page/index.html").write_text("it works")
"""
DOCKERFILE = f"""FROM {base_image.NAME}
RUN {json.dumps(["python", "-c", STEP])}
CMD ["python", "-m", "http.server", "8080", "--directory", "/page"]
"""
REASON = re.compile(r"@@(\w+): (.*)")
# How BuildKit and the classic builder end when a step failed. Both show its command, which is the code above.
FAILED = re.compile(
    r"(?:process \".*\" did not complete successfully: exit|The command '.*' returned a non-zero) code: (\d+)",
    re.DOTALL,
)
TIMED = re.compile(r"^#\d+ \d+\.\d+ (.+)$", re.MULTILINE)  # what a step prints, with BuildKit
# What a step prints, with the classic builder.
RUNNING = re.compile(r" ---> Running in \w+\n(.*?)\s*^Removing intermediate container", re.DOTALL | re.MULTILINE)
COLOR = re.compile(r"\x1b\[[\d;]*m")
PREFIX = re.compile(
    r"^(#\d+ )?(\d+\.\d+ )?"
    r"(docker: |Error: |ERROR: |failed to build: |failed to solve: |Error response from daemon: )*"
)
ADVICE = re.compile(r"^(See|Run) 'docker ")
FIXES = {
    "no space left on device": "docker system prune, which removes what is unused",
    "disk quota exceeded": "docker system prune, which removes what is unused",
    "exec format error": f"docker rmi {base_image.NAME}, then make setup, which gets it for this processor",
    "buildx component is missing": "unset DOCKER_BUILDKIT, or install buildx: https://docs.docker.com/go/buildx/",
}
OFFLINE = "connect to the internet, or set Docker's proxy: https://docs.docker.com/engine/cli/proxy/"


class Broken(Exception):
    """The engine cannot do something that the lessons need: *wrong* is a sentence, *fix* a command."""

    def __init__(self, wrong: str, fix: str):
        super().__init__(f"{wrong}. Fix: {fix}")
        self.wrong, self.fix = wrong, fix


class Offline(Broken):
    """A build step does not reach Python's package index. Everything else works."""


def check() -> None:
    """Try everything, in a few seconds, and remove it again; raises Broken for the first thing that fails."""
    if base_image.inspect() is None:
        raise Broken(f"The engine does not have the base image {base_image.NAME}", "make setup")
    name = f"learn-ecr-check-{uuid.uuid4().hex[:12]}"
    try:
        built = _build(name)
        what = "The engine cannot start a container"
        _docker(what, "run", "--detach", "--name", name, "--publish", "127.0.0.1::8080", name)
        what = "The engine does not publish the port of a container"
        _answers(_docker(what, "port", name, "8080/tcp").strip())
    finally:
        run(["docker", "rm", "--force", "--volumes", name], limit=LIMIT)
        run(["docker", "rmi", "--force", name], limit=LIMIT)
    if reason := REASON.search(built):
        raise Offline(f"A build step cannot get packages from Python's index ({_short(reason[2])})", OFFLINE)


def _build(name: str) -> str:
    """Build the image *name*; the output."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        Path(folder, "Dockerfile").write_text(DOCKERFILE)
        what = "The engine cannot run a build step"
        return _docker(what, "build", "--no-cache", "--force-rm", "--tag", name, folder, limit=BUILD_LIMIT)


def _docker(what: str, *command: str, limit: float | None = None) -> str:
    """The output of this docker command, errors included; Broken with *what* and the engine's message if it fails."""
    got = run(["docker", *command], limit=limit or LIMIT)
    output = f"{got.stdout}\n{got.stderr}"
    if got.returncode:
        message = _message(output)
        fix = next((fix for part, fix in FIXES.items() if part in message.lower()), "")
        raise Broken(f"{what} ({message})", fix or engine.how_to_restart())
    return output


def _message(output: str) -> str:
    """The engine's own message in the output of a command that failed."""
    output = COLOR.sub("", output)
    if reason := REASON.search(output):
        return _short(reason[2])
    if failed := FAILED.search(output):
        return _short((_printed(output) or [f"exit code {failed[1]}"])[-1])
    lines = [line.strip() for line in output.splitlines() if line.strip() and not ADVICE.match(line.strip())]
    errors = [line for line in lines if re.search("error|failed|cannot|did not", line, re.IGNORECASE)]
    return _short((errors or lines or ["no reason given"])[-1])


def _printed(output: str) -> list[str]:
    """The lines that the step of the build printed; there is one."""
    classic = RUNNING.search(output)
    return TIMED.findall(output) or (classic[1].splitlines() if classic else [])


def _short(message: str) -> str:
    text = PREFIX.sub("", message.strip()).rstrip(". ")
    return text if len(text) <= BEGIN + END else f"{text[:BEGIN]} … {text[-END:]}"


def _answers(address: str) -> None:
    """Return when the page of the container answers at this address of this machine; Broken if it never does."""
    until = time.monotonic() + ANSWER_LIMIT
    why = ""
    while time.monotonic() < until:
        try:
            with closing(http.client.HTTPConnection(address, timeout=ANSWER_LIMIT)) as connection:
                connection.request("GET", "/")
                if connection.getresponse().read() == b"it works":
                    return
            why = "another program answers"
        except (OSError, http.client.HTTPException) as error:
            why = str(error)
        time.sleep(0.1)
    raise Broken(f"A port that the engine publishes does not answer ({address}: {why})", engine.how_to_restart())
