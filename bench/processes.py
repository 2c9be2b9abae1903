"""Starts what is compared: the sandbox, Distribution and plain moto."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3

from helpers import settings


@contextlib.contextmanager
def sandbox(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A sandbox on *folder*: its registry host and its process."""
    port = free_port()
    env = os.environ | {"ECR_SANDBOX_STATE": str(folder), "ECR_SANDBOX_PORT": str(port)}
    env["ECR_SANDBOX_BASE_IMAGE"] = "/nonexistent"  # no mirroring during the measurement
    process = subprocess.Popen(
        [sys.executable, "-m", "ecr_sandbox", "serve"], env=env, stdout=subprocess.PIPE, text=True, cwd=settings.PROJECT
    )
    assert process.stdout
    try:
        ready = process.stdout.readline()
        yield ready.split("//")[1].strip(), process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def has_distribution() -> bool:
    """Whether CNCF Distribution, to which the registry is compared, is installed."""
    return _binary() is not None


def _binary() -> str | None:
    return shutil.which("docker-registry") or shutil.which("registry")


@contextlib.contextmanager
def distribution(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """Distribution, with its storage in *folder*: its registry host and its process. Only if ``has_distribution()``."""
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    binary = _binary()
    assert binary
    process = subprocess.Popen([binary, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/")
        yield f"localhost:{port}", process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def moto(*filled: str | int) -> Iterator[tuple[str, subprocess.Popen]]:
    """Plain moto, everything in memory, with repositories *filled* (name, number of images, …): host and process."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.plain_moto", str(port), *map(str, filled)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/moto-api/")
        yield f"localhost:{port}", process
    finally:
        process.terminate()
        process.wait()


def client(host: str):
    """boto3's ECR client for the sandbox at *host*."""
    return boto3.client(
        "ecr",
        region_name=settings.REGION,
        endpoint_url=f"http://{host}",
        aws_access_key_id=settings.ACCESS_KEY,
        aws_secret_access_key=settings.SECRET_KEY,
    )


def peak_memory(pid: int) -> float:
    """The peak resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]


def processor_seconds(pid: int) -> float:
    """How long processors have worked for a process; Linux has a clock for each (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str) -> None:
    """Return when *url* answers with any status."""
    for _ in range(1000):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"{url} does not answer")
