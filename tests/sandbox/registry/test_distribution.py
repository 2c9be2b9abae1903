"""The program that stores the bytes is looked after: when it ends, it is started again, and nobody notices."""

import hashlib
import os
import signal
import stat
import subprocess
import threading

import pytest
from ecr_sandbox.registry import distribution
from ecr_sandbox.registry.distribution import CannotStart, ClientGone, Distribution, Interrupted

from tests.sandbox.conftest import PATIENCE, until

# A registry in a container, as far as the sandbox sees it: a client in the foreground that ends with it.
FAKE_DOCKER = """#!/bin/sh
echo "$@" >> {calls}
test "$1" = run || exit 0
port=$(echo "$@" | sed 's/.*127.0.0.1:\\([0-9]*\\):5000.*/\\1/')
{answer}
exec {python} -m http.server --bind 127.0.0.1 --directory {folder} $port
"""


@pytest.fixture
def blobs(tmp_path):
    """A running registry."""
    (tmp_path / "log").mkdir()
    blobs = Distribution(tmp_path, "a secret of the test")
    blobs.start()
    blobs.wait()
    yield blobs
    blobs.stop()


def status(blobs):
    with blobs.request("GET", "/v2/") as answer:
        return answer.status


def upload(blobs, repository, content):
    """Send a layer; its digest."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    started = blobs.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
    path = f"{started.headers['Location']}&digest={digest}"
    assert blobs.request("PUT", path, {"Content-Type": "application/octet-stream"}, content).status == 201
    return digest


def end(pid):
    """Kill it, and return when it is gone."""
    os.kill(pid, signal.SIGKILL)


def test_a_registry_that_is_killed_is_back_for_the_next_request(blobs):
    told = []
    blobs.changed = lambda: told.append(blobs.pid)
    for _ in range(3):
        before = blobs.pid
        end(before)
        assert status(blobs) == 200
        until(lambda before=before: blobs.pid != before)
    until(lambda: len(told) == 3)
    assert told[-1] == blobs.pid


def test_whoever_asks_while_it_starts_waits(blobs, monkeypatch):
    launch, may_start = blobs._launch, threading.Event()
    monkeypatch.setattr(blobs, "_launch", lambda: (may_start.wait(PATIENCE), launch()))
    seen = []
    end(blobs.pid)
    until(lambda: blobs._process.poll() is not None)
    asking = threading.Thread(target=lambda: seen.append(status(blobs)))
    asking.start()
    asking.join(0.3)
    assert seen == []
    may_start.set()
    asking.join(PATIENCE)
    assert seen == [200]


def test_it_waits_for_a_limited_time(blobs, monkeypatch):
    monkeypatch.setattr(distribution, "PATIENCE", 0.2)
    monkeypatch.setattr(blobs, "_launch", lambda: None)
    end(blobs.pid)
    until(lambda: blobs._process.poll() is not None)
    with pytest.raises(OSError, match="refused"):
        status(blobs)


def test_a_body_that_was_partly_sent_is_not_sent_twice(blobs):
    location = blobs.request("POST", "/v2/app/blobs/uploads/", {"Content-Length": "0"}).headers["Location"]

    def body():
        yield b"x" * 100_000
        end(blobs.pid)
        until(lambda: blobs._process.poll() is not None)
        for _ in range(100):
            yield b"y" * 100_000

    with pytest.raises(Interrupted, match="push once more"):
        blobs.request("PATCH", location, {"Transfer-Encoding": "chunked"}, body(), chunked=True)
    assert upload(blobs, "app", b"the next one")


def test_a_client_that_hangs_up_is_not_waited_for(blobs):
    location = blobs.request("POST", "/v2/app/blobs/uploads/", {"Content-Length": "0"}).headers["Location"]

    def body():
        yield b"x"
        raise ConnectionResetError("gone")

    with pytest.raises(ClientGone):
        blobs.request("PATCH", location, {"Content-Length": "100"}, body())


def test_one_that_keeps_ending_is_started_ever_more_slowly(blobs, monkeypatch):
    pauses = []
    monkeypatch.setattr(blobs._ending, "wait", lambda pause: pauses.append(pause) or len(pauses) == 8)
    monkeypatch.setattr(blobs, "_binary", lambda _: ["false"])
    end(blobs.pid)
    until(lambda: len(pauses) == 8)
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_link_that_was_emptied_by_a_kill_is_mended(blobs):
    """Distribution empties a link before it writes it again."""
    digest = upload(blobs, "app", b"a layer of long ago")
    blobs.tree.link("app", digest).write_text("")
    for method in ("HEAD", "GET"):
        with blobs.request(method, f"/v2/app/blobs/{digest}") as answer:
            assert (answer.status, answer.read()) == (200, b"a layer of long ago" if method == "GET" else b"")
    assert blobs.tree.link("app", digest).read_text() == digest


def test_its_settings_are_for_nobody_elses_eyes(blobs, tmp_path):
    assert stat.S_IMODE((tmp_path / "registry.yml").stat().st_mode) == 0o600


def test_what_a_killed_sandbox_left_is_ended_and_nothing_else(blobs, tmp_path):
    reader = subprocess.Popen(["tail", "-f", str(tmp_path / "registry.yml")], stdout=subprocess.DEVNULL)
    other = Distribution(tmp_path, "a secret of the test")  # whose predecessor left no note
    orphan, blobs._ending = blobs._process, threading.Event()
    blobs._ending.set()
    try:
        other.start()
        other.wait()
        assert orphan.wait(PATIENCE) == -signal.SIGKILL
        assert reader.poll() is None
    finally:
        other.stop()
        reader.kill()
        reader.wait()


class TestAsAContainer:
    @pytest.fixture
    def fake(self, tmp_path, monkeypatch):
        """Neither registry program on PATH, but a docker that runs what it is told to."""
        (tmp_path / "bin").mkdir()
        (tmp_path / "log").mkdir()
        (tmp_path / "served" / "v2").mkdir(parents=True)

        def make(answer=""):
            text = FAKE_DOCKER.format(
                calls=tmp_path / "calls", python=os.sys.executable, folder=tmp_path / "served", answer=answer
            )
            (tmp_path / "bin" / "docker").write_text(text)
            (tmp_path / "bin" / "docker").chmod(0o755)
            monkeypatch.setattr(distribution, "BINARIES", ())
            monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
            return Distribution(tmp_path, "a secret of the test")

        return make

    def test_it_is_started_again_at_the_same_port(self, fake, tmp_path):
        blobs = fake()
        blobs.start()
        blobs.wait()
        try:
            before = blobs.pid
            end(before)
            until(lambda: blobs.pid != before)
            assert status(blobs) == 200
        finally:
            blobs.stop()
        runs = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("run")]
        assert len(runs) == 2
        assert runs[0] == runs[1]
        assert f"-v {tmp_path}/registry:/var/lib/registry" in runs[0]
        assert (tmp_path / "calls").read_text().splitlines()[-1] == f"rm -f {distribution.CONTAINER}"

    def test_why_it_does_not_start_is_said(self, fake):
        blobs = fake('echo "docker: no such image" >&2; exit 125')
        blobs.start()
        with pytest.raises(CannotStart, match="docker: no such image"):
            blobs.wait()
        blobs.stop()
