"""Fixtures of the console's tests: a browser without a screen, and one that is driven."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.console.pages import Console

WAIT = 15_000  # milliseconds for what a page shows later; a limit for hangs


@pytest.fixture
def console(sandbox) -> Console:
    """A session whose user is the administrator."""
    return Console(sandbox)


@pytest.fixture
def open_browser(chromium, sandbox) -> Iterator[Callable[..., Any]]:
    """Open a window of a browser of its own; its pages may log nothing, and ask nothing of another machine.

    A page that the API refuses has an error status, which the browser and htmx log: it is not counted.
    """
    contexts, problems = [], []

    def opened(**options: Any) -> Any:
        context = chromium.new_context(
            base_url=f"{sandbox.url}/console/", permissions=["clipboard-read", "clipboard-write"], **options
        )
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith(f"{sandbox.url}/console") or problems.append(request.url)
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    refused = re.compile("responded with a status of 4|Response Status Error Code 4")
    assert [each for each in problems if not refused.search(each)] == []
