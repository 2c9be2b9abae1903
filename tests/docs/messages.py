"""The texts that a user reads outside of documents: messages, hints, help, and comments of the sample app."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from helpers import settings

# The services are left out: their sentences are AWS's.
CODE = ("helpers/**/*.py", "machine/**/*.py", *(f"sandbox/ecr_sandbox/{each}" for each in ("*.py", "state/*.py")))
COMMANDS = ("helpers/cli.py", "sandbox/ecr_sandbox/cli.py")
COMMENTED = ("sample_app/Dockerfile", "sample_app/.dockerignore", "sample_app/app.py")
PROGRAM = re.compile(r"\b(CREATE|SELECT|INSERT|ALTER|DELETE FROM)\b|^#!|\bimport \w|\\[Sds(]|^RUN ", re.MULTILINE)


def texts() -> Iterator[tuple[str, str]]:
    """``(file and line, text)`` of each message, hint, help text and comment."""
    for pattern in CODE:
        for path in sorted(settings.PROJECT.glob(pattern)):
            for line, text in literals(path.read_text()):
                yield f"{path.relative_to(settings.PROJECT)}:{line}", text
    for name in COMMANDS:
        yield from ((f"{name}: help", text) for text in _docstrings(Path(settings.PROJECT, name).read_text()))
    for name in COMMENTED:
        comments = re.findall(r"^\s*# (.+)$", Path(settings.PROJECT, name).read_text(), re.MULTILINE)
        yield from ((name, text) for text in comments)
    yield from (("Makefile", text) for text in re.findall(r"## (.+)", Path(settings.PROJECT, "Makefile").read_text()))


def literals(source: str) -> Iterator[tuple[int, str]]:
    """``(line, text)`` of the literals that are sentences: not docstrings, not programs, three words at least.

    What is filled into a text becomes the word X.
    """
    tree = ast.parse(source)
    left_out = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in node.values}
            text = "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            text = node.value
        else:
            continue
        if len(text.split()) >= 3 and not PROGRAM.search(text):
            yield node.lineno, text


def _docstrings(source: str) -> list[str]:
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return [text for function in functions if (text := ast.get_docstring(function))]
