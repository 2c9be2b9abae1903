"""A light load generator: many clients in one thread, each sending prepared requests in sequence on one connection.

It shares the processors with the measured program, so it does as little as possible.
"""

import json
import multiprocessing
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from helpers import settings

KEY = Credentials(settings.ACCESS_KEY, settings.SECRET_KEY)
TARGET = "AmazonEC2ContainerRegistry_V20150921"


class Answered(NamedTuple):
    """One response: the name of the request, the status, and the seconds it took."""

    name: str
    status: int
    seconds: float


class Prepared(NamedTuple):
    """One request: its name and its bytes."""

    name: str
    raw: bytes


def api(host: str, operation: str, **parameters: object) -> Prepared:
    """A signed ECR call."""
    body = json.dumps(parameters).encode()
    headers = {"X-Amz-Target": f"{TARGET}.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"http://{host}/", headers, body)
    SigV4Auth(KEY, "ecr", settings.REGION).add_auth(request)
    return http(operation, host, "POST", "/", dict(request.headers), body)


def http(name: str, host: str, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Prepared:
    """A plain request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Prepared(name, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def run(host: str, scripts: Iterable[list[Prepared]]) -> list[Answered]:
    """Send each of *scripts* with its own client, all in one separate process; returns every response."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (host, list(scripts)))


@dataclass
class _Client:
    requests: deque[Prepared]
    address: tuple[str, int]
    received: bytearray = field(default_factory=bytearray)
    begun: float = 0
    sock: socket.socket | None = None

    def send(self) -> socket.socket:
        self.begun = time.perf_counter()
        if self.sock is None:
            self.sock = socket.create_connection(self.address)
        self.sock.sendall(self.requests[0].raw)
        return self.sock

    def receive(self) -> Answered | None:
        """The response, if it is complete."""
        assert self.sock
        piece = self.sock.recv(1 << 18)
        self.received += piece
        request = self.requests[0]
        end = _end(self.received, request.raw.startswith(b"HEAD")) if piece else len(self.received)
        if end is None:
            return None
        seconds = time.perf_counter() - self.begun
        head = bytes(self.received).partition(b"\r\n\r\n")[0].lower()
        del self.received[:end]
        self.requests.popleft()
        if not piece or b"connection: close" in head:
            self.sock.close()
            self.sock = None
        return Answered(request.name, int(head.split(b" ", 2)[1]), seconds)


def _end(received: bytearray, head_only: bool) -> int | None:
    body = received.find(b"\r\n\r\n") + 4
    if body == 3:
        return None
    head = received[:body].lower()
    if head_only:
        return body
    if b"transfer-encoding: chunked" in head:
        return len(received) if received.endswith(b"0\r\n\r\n") else None
    at = head.find(b"content-length:")
    if at < 0:
        return None  # the response ends with the connection
    end = body + int(head[at + 15 : head.find(b"\r\n", at)])
    return end if len(received) >= end else None


def _run(host: str, scripts: list[list[Prepared]]) -> list[Answered]:
    name, port = host.split(":")
    answers: list[Answered] = []
    with selectors.DefaultSelector() as selector:
        for script in scripts:
            client = _Client(deque(script), (name, int(port)))
            selector.register(client.send(), selectors.EVENT_READ, client)
        while selector.get_map():
            ready = selector.select(60)
            if not ready:
                raise SystemExit(f"{host} has not answered for a minute")
            for key, _ in ready:
                if answer := key.data.receive():
                    answers.append(answer)
                    selector.unregister(key.fileobj)
                    if key.data.requests:
                        selector.register(key.data.send(), selectors.EVENT_READ, key.data)
                    elif key.data.sock:
                        key.data.sock.close()
    return answers
