"""Which lines of a cell or of its output a slide shows."""


def choose(text: str, wanted: str) -> str:
    """The *wanted* lines of *text*, counted from 1, such as `1-2, 7`; all if it is empty, and `…` for a gap."""
    lines = text.strip("\n").split("\n")
    if not wanted:
        return "\n".join(lines)
    chosen: list[str] = []
    for part in wanted.split(","):
        first, _, last = part.strip().partition("-")
        chosen += [*(["…"] if chosen else []), *lines[int(first) - 1 : int(last or first)]]
    return "\n".join(chosen)


def choose_code(text: str, wanted: str) -> str:
    """The *wanted* lines of *text* by how they begin, such as `docker tag … docker push, rm`; all if it is empty.

    ValueError if not exactly one line begins so, or if no later line begins like the end of a range.
    """
    lines = text.strip("\n").split("\n")
    ranges = []
    for part in wanted.split(", ") if wanted else []:
        begin, _, end = part.partition(" … ")
        found = [number for number, line in enumerate(lines, 1) if line.strip().startswith(begin)]
        ends = [number for number, line in enumerate(lines, 1) if line.strip().startswith(end or begin)]
        if len(found) != 1 or ends[-1:] < found:
            raise ValueError(f"{part!r} must be the beginning of one line, or of the first and last line of a range")
        ranges.append(f"{found[0]}-{ends[-1]}")
    return choose(text, ", ".join(ranges))
