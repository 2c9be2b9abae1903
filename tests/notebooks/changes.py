"""Reports in one line how the output of a cell differs from the stored one; nbval prints both outputs in full."""

from collections.abc import Callable, Iterable
from itertools import zip_longest

WIDTH = 160  # characters; a longer line is cut around the place where it differs


def what_changed(stored: Iterable, printed: Iterable, sanitize: Callable[[str], str]) -> str:
    """The first difference between two lists of outputs, after *sanitize*; empty if there is none."""
    before, now = _texts(stored, sanitize), _texts(printed, sanitize)
    if "error" in now and "error" not in before:
        return f"it raised {now['error']}"
    for kind in [*before, *(kind for kind in now if kind not in before)]:
        if kind not in now:
            return f"no {kind} came, expected {_quoted(before[kind].splitlines()[0])}"
        if kind not in before:
            return f"unexpected {kind}: {_quoted(now[kind].splitlines()[0])}"
        lines = zip_longest(before[kind].splitlines(), now[kind].splitlines())
        for number, (expected, got) in enumerate(lines, 1):
            if expected != got:
                return f"{kind}, line {number}: expected {_quoted(expected, got)}, got {_quoted(got, expected)}"
    return ""


def _texts(outputs: Iterable, sanitize: Callable[[str], str]) -> dict[str, str]:
    """The text of the outputs, by kind: ``stdout``, ``stderr``, ``error`` or a media type."""
    found: dict[str, str] = {}
    for output in outputs:
        if "text" in output:
            parts = {output["name"]: output["text"]}
        elif "ename" in output:
            parts = {"error": f"{output['ename']}: {output['evalue']}"}
        else:
            parts = {kind: str(data) for kind, data in output["data"].items() if kind != "image/png"}
        for kind, text in parts.items():
            found[kind] = found.get(kind, "") + sanitize(text)
    return {kind: text or "(nothing)" for kind, text in found.items()}


def _quoted(line: str | None, other: str | None = "") -> str:
    """The line, or the part of it where it differs from the *other*."""
    if line is None:
        return "nothing more"
    start = next((place for place, (a, b) in enumerate(zip(line, other or "", strict=False)) if a != b), 0)
    start = max(0, start - WIDTH // 2) if len(line) > WIDTH else 0
    part = line[start : start + WIDTH]
    return f"“{'…' if start else ''}{part}{'…' if start + WIDTH < len(line) else ''}”"
