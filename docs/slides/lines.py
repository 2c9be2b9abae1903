"""Which lines of a cell or of its output a slide shows."""


def choose(text: str, wanted: str) -> str:
    """The *wanted* lines of *text*, counted from 1, such as `1-2, 7`; all if it is empty, and `…` for a gap."""
    ranges = []
    for part in wanted.split(",") if wanted else []:
        first, _, last = part.strip().partition("-")
        ranges.append((int(first), int(last or first)))
    return _shown(_lines(text), ranges)


def choose_code(text: str, wanted: str) -> str:
    """The *wanted* lines of *text* by how they begin, such as `docker tag … docker push, rm`; all if it is empty.

    ValueError if not exactly one line begins so, or if no later line begins like the end of a range.
    """
    lines, ranges = _lines(text), []
    for part in wanted.split(", ") if wanted else []:
        begin, _, end = part.partition(" … ")
        found = [number for number, line in enumerate(lines, 1) if line.strip().startswith(begin)]
        ends = [number for number, line in enumerate(lines, 1) if line.strip().startswith(end or begin)]
        if len(found) != 1 or ends[-1:] < found:
            raise ValueError(f"{part!r} must be the beginning of one line, or of the first and last line of a range")
        ranges.append((found[0], ends[-1]))
    return _shown(lines, ranges)


def _lines(text: str) -> list[str]:
    return text.strip("\n").split("\n")


def _shown(lines: list[str], ranges: list[tuple[int, int]]) -> str:
    """The lines of these ranges, counted from 1, with `…` between two; without a range all of them."""
    return "\n…\n".join("\n".join(lines[first - 1 : last]) for first, last in ranges) if ranges else "\n".join(lines)
