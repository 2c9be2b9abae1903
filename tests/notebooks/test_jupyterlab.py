"""JupyterLab as `make lab` opens it: a notebook that runs through its API pushes an image."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

from ecr_sandbox import background
from helpers import settings
from tests.notebooks import clean_state, course
from tests.sandbox.conftest import free_port

PATIENCE = 120  # seconds; a hang limit


@contextlib.contextmanager
def running(root: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """A JupyterLab on the files in *root*, with its settings in *folder*: its address and its token."""
    port, token = free_port(), uuid.uuid4().hex
    options = [f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"]
    server = subprocess.Popen(
        [Path(sys.executable).with_name("jupyter"), "lab", "--no-browser", "--allow-root", *options],
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            ask(address, token, "/api/status")
            break
        time.sleep(0.1)
    yield address, token
    server.terminate()
    server.wait(PATIENCE)


@pytest.fixture
def jupyter(own_sandbox, tmp_path):
    """A JupyterLab on the project: its address and its token."""
    clean_state.make()
    with running(settings.PROJECT, tmp_path) as lab:
        yield lab


def ask(address: str, token: str, path: str, content: dict | None = None) -> dict:
    """The answer of Jupyter's REST API."""
    body = json.dumps(content).encode() if content is not None else None
    request = urllib.request.Request(f"{address}{path}", body, {"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


async def run_cells(address: str, token: str, kernel: str, sources: list[str]) -> str:
    """Run *sources* in order in *kernel*, over the channel a browser uses; everything they print."""
    url = f"{address.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={token}"
    channel = await websocket_connect(url)
    printed = ""
    for source in sources:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "test",
            "username": "",
            "version": "5.3",
        }
        request = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "channel": "shell",
            "content": {"code": source},
        }
        await channel.write_message(json.dumps(request))
        while True:
            message = json.loads(await asyncio.wait_for(channel.read_message(), PATIENCE))
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["msg_type"] == "execute_reply":
                assert message["content"]["status"] == "ok", message["content"]
                break
    channel.close()
    return printed


def test_notebook_08_run_through_jupyterlabs_api_pushes_an_image(jupyter):
    address, token = jupyter
    path = next(path for path in course.PATHS if path.name.startswith("08"))
    relative = f"notebooks/{path.name}"
    content = ask(address, token, f"/api/contents/{relative}")["content"]
    kernel = {"name": content["metadata"]["kernelspec"]["name"]}
    session = ask(
        address, token, "/api/sessions", {"path": relative, "type": "notebook", "name": path.name, "kernel": kernel}
    )
    sources = [cell["source"] for cell in content["cells"] if cell["cell_type"] == "code"]

    with ThreadPoolExecutor(1) as executor:  # in this thread Playwright's event loop runs if a browser test came before
        printed = executor.submit(asyncio.run, run_cells(address, token, session["kernel"]["id"], sources)).result()

    assert "v1: digest: sha256:" in printed
    found = background.find(settings.sandbox())
    assert found
    ecr = clean_state.client(found["endpoint"])
    tags = [image.get("imageTag") for image in ecr.list_images(repositoryName=settings.REPOSITORY)["imageIds"]]
    assert "v1" in tags


def test_jupyterlab_starts_without_asking_for_its_news(jupyter):
    settings_of = "/lab/api/settings/@jupyterlab/apputils-extension:notification"
    assert ask(*jupyter, settings_of)["schema"]["properties"]["fetchNews"]["default"] == "false"
