"""The site, built once for all tests, a browser, and axe, which finds what keeps people from reading a page."""

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from machine import site
from machine.project import CACHE, ROOT
from tests.site.browser import Browser

AXE = CACHE / "site" / "axe"
REQUIREMENT = Path(__file__).with_name("axe.txt")


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


@pytest.fixture(scope="session")
def browser():
    """A browser; the test is skipped if none is installed."""
    program = site.browser()
    if not program:
        pytest.skip("Chromium or Chrome is not installed")
    with Browser(program) as opened:
        yield opened


@pytest.fixture(scope="session")
def axe() -> str:
    """The program text of axe-core: https://github.com/dequelabs/axe-core."""
    if not list(AXE.glob("*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(AXE)]
        site.must([*pip, "--requirement", str(REQUIREMENT)], "axe could not be downloaded")
    with zipfile.ZipFile(max(AXE.glob("*.whl"))) as wheel:
        return wheel.read("axe_playwright_python/axe.min.js").decode()
