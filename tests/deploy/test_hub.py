"""Five learners at one hub, at the same time: each has a sandbox and an engine of their own."""

import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from machine.project import ROOT
from tests.deploy.pair import Pair, figures

TOKEN = "a-token-of-the-test-with-the-hub"
LEARNERS = ("ada", "alan", "edsger", "grace", "radia")
# The container starts a sandbox. If it could not, the first cell of a notebook starts it.
SANDBOX = 'ecr-lab up > /dev/null && eval "$(ecr-lab env)"'
# What deploy/values.yaml gives the two containers, in MiB.
LIMITS = {"course": 2000, "engine": 1536}


class Hub:
    """A running hub. Its learners are started by `start`."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str]):
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.environment = environment

    def ask(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and body; (0, b"") without an answer."""
        headers = {"Authorization": f"token {TOKEN}"}
        data = b"" if method == "POST" else None
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def start(self, name: str) -> Pair:
        """Start the server of this learner, as the hub does after a login, and wait for it."""
        self.ask(f"/hub/api/users/{name}", "POST")
        status, body = self.ask(f"/hub/api/users/{name}/server", "POST")
        assert status in (201, 202), body
        until = time.monotonic() + 1800
        while not json.loads(self.ask(f"/hub/api/users/{name}")[1])["servers"].get("", {}).get("ready"):
            assert time.monotonic() < until, f"the server of {name} does not start"
            time.sleep(1)
        return self.pair(name)

    def stop(self, name: str) -> None:
        """Stop the server of this learner, as the culler does."""
        self.ask(f"/hub/api/users/{name}/server", "DELETE")
        while json.loads(self.ask(f"/hub/api/users/{name}")[1])["servers"]:
            time.sleep(1)

    def pair(self, name: str) -> Pair:
        return Pair(f"deploy-test-{name}", self.environment, self.folder / f"{name}.json")


@pytest.fixture
def hub(python, compose, soak, tmp_path) -> Iterator[Hub]:
    if not soak:
        pytest.skip("it starts five engines: make soak")
    with contextlib.closing(docker.from_env()) as engine:
        network = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]
    address = network.get("Gateway") or str(ipaddress.ip_network(network["Subnet"])[1])
    port, inner, proxy = free_port(), free_port(), free_port()
    environment = compose | {
        "PATH": f"{python.parent}{os.pathsep}{compose['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HUB_ADDRESS": address,
        "HUB_PORT": str(port),
        "HUB_INNER_PORT": str(inner),
        "HUB_PROXY_PORT": str(proxy),
        "HUB_TOKEN": TOKEN,
    }
    made = Hub(tmp_path, port, compose)
    argv = [python, "-m", "jupyterhub", "--config", str(ROOT / "tests" / "deploy" / "hub_config.py")]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(argv, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 600
            while made.ask("/hub/api/")[0] != 200:
                assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
                time.sleep(0.5)
            yield made
        finally:
            process.terminate()
            process.wait(60)
            for name in LEARNERS:
                if (tmp_path / f"{name}.json").exists():
                    made.pair(name).remove()


class Sampler(threading.Thread):
    """The most memory that each container used, in MiB, and the seconds of processor of all."""

    def __init__(self, pairs: dict[str, Pair]):
        super().__init__(daemon=True)
        self.containers = [each for pair in pairs.values() for each in pair.containers().items()]
        self.done = threading.Event()
        self.peaks = dict.fromkeys(LIMITS, 0.0)
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        while not self.done.wait(2):
            for service, container in self.containers:
                memory, self.seconds[container] = figures(container)
                self.peaks[service] = max(self.peaks[service], memory)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_learners_do_not_disturb_each_other(hub):
    with ThreadPoolExecutor(len(LEARNERS)) as executor:
        pairs = dict(zip(LEARNERS, executor.map(hub.start, LEARNERS), strict=True))
        for name, pair in pairs.items():
            pair.run(f"{SANDBOX} && aws ecr create-repository --repository-name demo-of-{name}")
        sampler = Sampler(pairs)
        sampler.start()
        begun = time.monotonic()
        results = [*executor.map(lambda pair: pair.nbval("00"), pairs.values())]
        took = time.monotonic() - begun
        sampler.done.set()
        sampler.join()
    for name, got in zip(LEARNERS, results, strict=True):
        assert got.returncode == 0, f"{name}: {got.stdout}"
    for name, pair in pairs.items():
        assert repositories(pair) == [f"demo-of-{name}"]
    print(f"\n{len(pairs)} learners, 00 in {took:.0f} s, {sum(sampler.seconds.values()):.0f} s of processor")
    for service, limit in LIMITS.items():
        disk = max(pair.disk()[service] for pair in pairs.values())
        print(f"{service}: at most {sampler.peaks[service]:.0f} MiB of memory and {disk:.0f} MiB of disk")
        assert 0 < sampler.peaks[service] < limit


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_learner_whose_server_was_culled_continues(hub):
    pair = hub.start("ada")
    assert hub.ask("/user/ada/api/contents/notebooks/00_start_here.ipynb")[0] == 200
    pair.run(f"{SANDBOX} && aws ecr create-repository --repository-name demo-kept")
    hub.stop("ada")
    assert hub.ask("/user/ada/api/kernels")[0] != 200
    assert repositories(hub.start("ada")) == ["demo-kept"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def repositories(pair: Pair) -> list[str]:
    """The names of the learner's own repositories; without the sandbox's mirror of the base image."""
    query = "--query 'repositories[].repositoryName' --output text"
    names = pair.run(f"{SANDBOX} && aws ecr describe-repositories {query}").stdout.split()
    return [name for name in names if name.startswith("demo-")]
