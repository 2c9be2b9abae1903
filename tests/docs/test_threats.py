"""The threat table: each row names existing tests, and each threat test is in a row."""

import ast
import re
from functools import cache

import pytest

from helpers import settings

TABLE = [
    line
    for line in (settings.PROJECT / "docs" / "threats.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| threat ")
]


@cache
def in_file(path: str) -> frozenset[str]:
    tree = ast.parse((settings.PROJECT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def named(row: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_row_has_a_threat_a_protection_and_a_test_that_exists(row):
    threat, protection, proof = (cell.strip() for cell in row.strip("|").split("|"))
    assert threat
    assert protection
    assert named(proof)
    for path, name in named(proof):
        assert name in in_file(path), f"{path} has no {name}"


def test_every_test_of_a_threat_is_in_a_row():
    here = "tests/sandbox/robustness/test_threats.py"
    in_rows = {name for row in TABLE for path, name in named(row) if path == here}
    assert in_rows == {name for name in in_file(here) if name.startswith("test_")}


def test_every_named_file_exists():
    for row in TABLE:
        for name in re.findall(r"`([\w/]+\.py)`", row):
            places = (settings.PROJECT / "sandbox" / "ecr_sandbox" / name, settings.PROJECT / name)
            assert any(place.exists() for place in places), name
