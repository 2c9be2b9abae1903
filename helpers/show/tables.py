"""Tables and sizes as plain text."""

from collections.abc import Iterable, Mapping, Sequence


def size(n_bytes: int) -> str:
    """A size in powers of 1,000, as the ECR console shows it: ``size(54_200_000) == "54.2 MB"``."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    units = ["kB", "MB", "GB", "TB"]
    amount = n_bytes / 1000
    while round(amount, 1) >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.1f} {units[0]}"


def table(rows: Iterable[Mapping[str, object] | Sequence[object]], columns: Sequence[str]) -> None:
    """Print rows under their column names, aligned, as plain text; numbers are right-aligned.

    A row is a sequence, or a mapping with the column names as keys (a missing one is empty).
    """
    print("\n".join(table_lines(rows, columns)))


def table_lines(rows: Iterable[Mapping[str, object] | Sequence[object]], columns: Sequence[str]) -> list[str]:
    """The lines that ``table`` prints."""
    cells = [[row.get(c, "") for c in columns] if isinstance(row, Mapping) else list(row) for row in rows]
    texts = [list(columns)] + [["" if cell is None else str(cell) for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [
        bool(cells) and all(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in cells)
        for i in range(len(columns))
    ]
    texts.insert(1, ["─" * width for width in widths])
    return [
        "  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in texts
    ]
