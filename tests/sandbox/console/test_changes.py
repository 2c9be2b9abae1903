"""The stream of changes: a page learns of what other clients do."""

import os
import re
import time

import requests

from tests.sandbox.pusher import Pusher


def opened(sandbox) -> requests.Response:
    """The stream, after its first line."""
    answer = requests.get(f"{sandbox.url}/console/changes", stream=True, timeout=20)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    return answer


def test_a_push_is_an_event_and_silence_is_none(sandbox, repository):
    lines = opened(sandbox).iter_lines(decode_unicode=True)
    assert next(lines) == "retry: 1000"
    assert [next(lines) for _ in range(3)] == ["", ":", ""]
    Pusher(sandbox).push(repository, [os.urandom(100)], "v1")
    assert next(line for line in lines if line.startswith("event")) == "event: change"


def test_a_page_learns_of_a_change_before_it_opens_the_stream(sandbox, repository):
    page = requests.get(f"{sandbox.url}/console/ecr/private-registry/repositories", timeout=20).text
    address = re.search(r'data-changes="([^"]+)"', page)[1]
    sandbox.client().delete_repository(repositoryName=repository, force=True)
    lines = requests.get(f"{sandbox.url}{address}", stream=True, timeout=20).iter_lines(decode_unicode=True)
    assert [next(lines) for _ in range(3)] == ["retry: 1000", "", "event: change"]


def test_reading_is_no_event(sandbox, console, repository):
    """A page that is loaded again because of an event must not cause the next one."""
    lines = opened(sandbox).iter_lines(decode_unicode=True)
    next(lines)
    for path in ("/ecr/private-registry/repositories", f"/ecr/repositories/private/{repository}", "/switch-user"):
        console.get(path)
    assert {next(lines) for _ in range(4)} <= {"", ":"}


def test_a_sandbox_with_an_open_stream_stops(own_sandbox):
    stream = opened(own_sandbox.start())
    began = time.monotonic()
    assert own_sandbox.stop() == 0
    assert time.monotonic() - began < 10
    stream.close()


def test_many_open_pages_leave_threads_for_others(sandbox, console, repository):
    """Each stream has a thread: the server has more, and a page calls the API, which needs another."""
    streams = [opened(sandbox) for _ in range(40)]
    began = time.monotonic()
    assert repository in console.get("/ecr/private-registry/repositories")
    assert time.monotonic() - began < 10
    for stream in streams:
        stream.close()
