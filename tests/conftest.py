"""Settings and fixtures of all tests."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

from machine import browser, clients
from tests import forked_aws


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis tries fewer examples in `make test` than in `make soak`. A slow machine is no failure."""
    examples = 500 if config.getoption("soak") else 50
    hypothesis.settings.register_profile("ours", deadline=None, max_examples=examples)
    hypothesis.settings.load_profile("ours")


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """botocore's models are read once for all tests. Each of its sessions would read them again."""
    read = JSONFileLoader.load_file

    @functools.cache
    def load_file(path: str) -> Any:
        return read(JSONFileLoader(), path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _, path: load_file(path))
        yield


@pytest.fixture(scope="session")
def fast_aws() -> Iterator[Path]:
    """An ``aws`` for tests that type many commands; see forked_aws.py."""
    with tempfile.TemporaryDirectory(prefix="aws-") as folder, forked_aws.serving(Path(folder)) as program:
        yield program


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser, driven by Playwright; the test is skipped where it cannot be had."""
    program = clients.find("chromium")
    if not program:
        pytest.skip("not installed: chromium (run: python -m machine.clients)")
    if not browser.is_current():
        pytest.skip("not installed: playwright (run: python -m machine.browser)")
    sys.path.append(str(browser.FOLDER))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path=program, args=arguments)
        yield running
        running.close()
