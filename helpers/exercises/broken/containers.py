"""Runs containers of the sample app and opens its page."""

import time
from contextlib import suppress

from helpers.lab import Lab

SECONDS = 30  # for the app to start, on a slow machine
AFTER_START = 2  # for its page, once its log says that it listens
PORT = "8080/tcp"


def try_image(lab: Lab, image: str) -> tuple[str, str]:
    """Run this image with its port published: ``(problem, page)``, one of them empty. The container is removed."""
    container = lab.engine().containers.run(image, detach=True, ports={PORT: ("127.0.0.1", None)})
    try:
        return open_page(container)
    finally:
        container.remove(force=True)


def open_page(container) -> tuple[str, str]:
    """Open the page of a container on its published port: ``(problem, page)``, one of them empty."""
    end = time.monotonic() + SECONDS
    while True:
        container.reload()
        if container.status == "exited":
            return f"the container ends with exit code {container.attrs['State']['ExitCode']}", ""
        ports = container.ports.get(PORT)
        if not ports and container.status == "running":
            return "no port of this machine leads to port 8080 of the container", ""
        if ports and (answer := _get(int(ports[0]["HostPort"]))) is not None:
            return ("", answer.text) if answer.ok else (f"the page answers {answer.status_code} {answer.reason}", "")
        if b"Listening at" in container.logs():
            end = min(end, time.monotonic() + AFTER_START)
        if time.monotonic() > end:
            return "the page does not answer", ""
        time.sleep(0.2)


def _get(port: int):
    """The answer of this port of this machine, or None."""
    import requests

    with requests.Session() as session, suppress(requests.RequestException):
        session.trust_env = False  # a proxy does not serve this machine
        return session.get(f"http://127.0.0.1:{port}/", timeout=5)
    return None
