"""The site and the slides, each built once for all tests, and windows in which they are opened."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from machine.project import ROOT


@pytest.fixture(scope="session")
def sources():
    """The module docs/site/sources.py."""
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    yield importlib.import_module("sources")
    sys.path.pop(0)


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The folder that `make site` writes."""
    return make("site", tmp_path_factory.mktemp("site") / "site")


@pytest.fixture(scope="session")
def slides(tmp_path_factory) -> Path:
    """The folder that `make slides` writes."""
    return make("slides", tmp_path_factory.mktemp("slides") / "slides")


def make(what: str, folder: Path) -> Path:
    argv = [sys.executable, "-m", "machine.site", what, str(folder)]
    got = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr
    return folder


@pytest.fixture
def open_page(chromium) -> Iterator[Callable[..., Any]]:
    """Open a file in a window of its own; the page may request nothing from elsewhere, and log no error."""
    contexts, problems = [], []

    def opened(file: Path, query: str = "", width: int = 1400, height: int = 900, scheme: str = "light") -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))
        page.on("console", lambda message: message.type != "error" or problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(file.as_uri() + query)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
