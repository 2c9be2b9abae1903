"""No cache grows without end: what a client sends may be its key."""

import ast

import pytest

from helpers import settings

SOURCES = sorted((settings.PROJECT / "sandbox" / "ecr_sandbox").rglob("*.py"))


def unlimited(source: str) -> list[str]:
    """The functions with parameters whose results are cached without a limit (Python library, functools)."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (node.args.args or node.args.vararg or node.args.kwonlyargs)
        if any(ast.unparse(each).rpartition(".")[2] in UNLIMITED for each in node.decorator_list)
    ]


UNLIMITED = ("cache", "cache()", "lru_cache(None)", "lru_cache(maxsize=None)")


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(settings.PROJECT)))
def test_caches_of_functions_with_parameters_have_a_limit(file):
    assert unlimited(file.read_text()) == []


@pytest.mark.parametrize(
    "decorator", ["cache", "functools.cache", "lru_cache(None)", "functools.lru_cache(maxsize=None)"]
)
def test_an_unlimited_cache_is_found(decorator):
    assert unlimited(f"@{decorator}\ndef model(name): ...") == ["model"]
    assert unlimited(f"@{decorator}\ndef model(): ...\n@lru_cache(64)\ndef other(name): ...") == []
