"""Fixtures of the console's tests."""

import pytest

from tests.sandbox.console.pages import Console


@pytest.fixture
def console(sandbox) -> Console:
    """A browser whose user is the administrator."""
    return Console(sandbox)
