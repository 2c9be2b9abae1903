"""The certificate of notebook 15: each point with its evidence, as a table for Jupyter or as text.

Each time it is shown, all points are checked again against the current state of the account. Nothing is stored.
"""

import sys
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from helpers import course
from helpers import lab as labs

from . import capstone, checks

WHOLE = ("C28", "C30")  # the claims that all points together show, and no single point does


class Line(NamedTuple):
    """A point: its number, whether it is met, and the evidence, or what is missing."""

    number: str
    met: bool
    text: str


def show() -> None:
    """Check all points, and show which are met, with what evidence, and which claims of the course they show."""
    try:
        entry = capstone.entry()
    except checks.NotYet as missing:
        print(f"✗ there is nothing to certify: {missing.missing}. Hint: {missing.hint}.")
        return
    lines = [_checked(number, entry) for number in capstone.POINTS]
    heading = title(lines, labs.current(), entry)
    if "IPython" in sys.modules:
        from IPython.display import display

        display({"text/plain": _Plain(text(heading, lines)), "text/html": html(heading, lines)}, raw=True)
    else:
        print(text(heading, lines))


def title(lines: list[Line], lab: labs.Lab, entry: capstone.Entry) -> tuple[str, str]:
    """The two lines at the top; without every point met it is not yet a certificate."""
    heading = "Certificate" if all(line.met for line in lines) else "Not yet a certificate"
    place = f"{lab.target}, account {lab.account}, {lab.region}"
    return f"{heading}: {entry.repository} {' and '.join(entry.releases)}", f"Learn Amazon ECR by doing · {place}"


def text(heading: tuple[str, str], lines: list[Line]) -> str:
    """The certificate as plain text."""
    points = []
    for line in lines:
        point = capstone.POINTS[line.number]
        points += [f"{_mark(line)} {line.number} {point.title}", f"       {_evidence(line)}"]
        points += [f"       claims {' '.join(point.claims)}"] if line.met else []
    return "\n".join([*heading, "", *points, "", *sums(lines)])


def html(heading: tuple[str, str], lines: list[Line]) -> str:
    """The certificate as a table that a screen reader can read; color carries no meaning."""
    rows = []
    for line in lines:
        point = capstone.POINTS[line.number]
        claims = " ".join(point.claims) if line.met else "–"
        cells = [_cell("td", _mark(line)), _cell("th", f"{line.number} {point.title}", scope="row")]
        cells += [_cell("td", _evidence(line)), _cell("td", claims)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    columns = ("met", "point", "evidence, or what is missing", "claims")
    names = "".join(_cell("th", name, scope="col") for name in columns)
    caption = f"<caption><b>{escape(heading[0])}</b><br>{escape(heading[1])}</caption>"
    below = "<br>".join(escape(each) for each in sums(lines))
    return f"<table>{caption}<thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table><p>{below}</p>"


def sums(lines: list[Line]) -> list[str]:
    """How many points are met, which claims of the course they show, and which claims no point asks for."""
    met = [line for line in lines if line.met]
    behind = {claim for line in met for claim in capstone.POINTS[line.number].claims}
    behind |= set(WHOLE) if len(met) == len(lines) else set()
    required = {claim for point in capstone.POINTS.values() for claim in point.claims} | set(WHOLE)
    others = {each["key"] for each in course.all_claims()} - required
    where = sorted({each["notebooks"][0] for each in course.all_claims() if each["key"] in others})
    return [
        f"{len(met)} of {len(lines)} points are met",
        f"claims behind them: {_in_order(behind) or 'none yet'}",
        f"claims that no point asks for: {_in_order(others)} (notebooks {', '.join(where)})",
    ]


class _Plain(str):
    """A text that IPython shows without quotes."""

    __repr__ = str.__str__


def _checked(number: str, entry: capstone.Entry) -> Line:
    met, line = checks.outcome(number, lambda: capstone.POINTS[number].check(labs.current(), entry))
    return Line(number, met, line.partition(f" {number} ")[2])


def _cell(kind: str, content: str, scope: str = "") -> str:
    """A cell of the table; long digests wrap, so that the table fits on a page, and headings do not."""
    place = f' scope="{scope}"' if scope else ""
    wrap = ";overflow-wrap:anywhere" if kind == "td" else ""
    return f'<{kind}{place} style="text-align:left{wrap}">{escape(content)}</{kind}>'


def _mark(line: Line) -> str:
    return "✔" if line.met else "✗"


def _evidence(line: Line) -> str:
    return line.text if line.met else f"missing: {line.text.partition('. Hint: ')[0]}"


def _in_order(claims: Iterable[str]) -> str:
    return " ".join(sorted(claims, key=lambda claim: int(claim[1:])))
