"""What was shown in notebook 15, point by point, with what AWS says for it: drawn for Jupyter, or as text.

It is judged anew each time, so it says what is true now. Nothing is stored, and nobody vouches for it but the registry.
"""

import json
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import NamedTuple

from helpers import capstone, checks
from helpers import lab as labs

CLAIMS = json.loads((Path(__file__).parent / "data" / "claims.json").read_text())["claims"]
WHOLE = ("C28", "C30")  # what stands behind the whole way, and behind no single point of it


class Line(NamedTuple):
    """A point of the rubric: its number, whether it is met, and the evidence, or what is missing."""

    number: str
    met: bool
    said: str


def show() -> None:
    """Judge all points, and show what is met, by what evidence, and which claims of the course stand behind it."""
    try:
        entry = capstone.entry()
    except checks.NotYet as missing:
        print(f"✗ there is nothing to certify: {missing.missing}. Hint: {missing.hint}.")
        return
    lines = [_judged(number) for number in capstone.POINTS]
    heading = title(lines, labs.current(), entry)
    if "IPython" in sys.modules:
        from IPython.display import display

        display({"text/plain": _Plain(text(heading, lines)), "text/html": html(heading, lines)}, raw=True)
    else:
        print(text(heading, lines))


def title(lines: list[Line], lab: labs.Lab, entry: capstone.Entry) -> tuple[str, str]:
    """What it is, and of what: the word certificate is for those who met every point."""
    word = "Certificate" if all(line.met for line in lines) else "Not yet a certificate"
    place = f"{lab.target}, account {lab.account}, {lab.region}"
    return f"{word}: {entry.repository}:{entry.release}", f"Learn Amazon ECR by doing · {place}"


def text(heading: tuple[str, str], lines: list[Line]) -> str:
    """The certificate as plain text."""
    points = []
    for line in lines:
        point = capstone.POINTS[line.number]
        points += [f"{_mark(line)} {line.number} {point.title}", f"       {_told(line)}"]
        points += [f"       claims {' '.join(point.claims)}"] if line.met else []
    return "\n".join([*heading, "", *points, "", *sums(lines)])


def html(heading: tuple[str, str], lines: list[Line]) -> str:
    """The certificate as a table that a screen reader can read; it tells nothing by colour."""
    rows = []
    for line in lines:
        point = capstone.POINTS[line.number]
        claims = " ".join(point.claims) if line.met else "–"
        cells = [_cell("td", _mark(line)), _cell("th", f"{line.number} {point.title}", scope="row")]
        cells += [_cell("td", _told(line)), _cell("td", claims)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    columns = ("met", "point", "evidence, or what is missing", "claims")
    names = "".join(_cell("th", name, scope="col") for name in columns)
    caption = f"<caption><b>{escape(heading[0])}</b><br>{escape(heading[1])}</caption>"
    below = "<br>".join(escape(each) for each in sums(lines))
    return f"<table>{caption}<thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table><p>{below}</p>"


def sums(lines: list[Line]) -> list[str]:
    """How many points are met, and which claims of the course that shows; the others were shown elsewhere."""
    met = [line for line in lines if line.met]
    behind = {claim for line in met for claim in capstone.POINTS[line.number].claims}
    behind |= set(WHOLE) if len(met) == len(lines) else set()
    asked = {claim for point in capstone.POINTS.values() for claim in point.claims} | set(WHOLE)
    others = {each["key"] for each in CLAIMS} - asked
    where = sorted({each["notebooks"][0] for each in CLAIMS if each["key"] in others})
    return [
        f"{len(met)} of {len(lines)} points are met",
        f"claims behind them: {_in_order(behind) or 'none yet'}",
        f"claims that the rubric does not ask for: {_in_order(others)} (notebooks {', '.join(where)})",
    ]


class _Plain(str):
    """A text that IPython shows as it is, without quotes."""

    __repr__ = str.__str__


def _judged(number: str) -> Line:
    met, line = checks.verdict(number)
    return Line(number, met, line.partition(f" {number} ")[2])


def _cell(kind: str, said: str, scope: str = "") -> str:
    """A cell of the table; a digest may be broken, so that the table fits on a page, a heading may not."""
    place = f' scope="{scope}"' if scope else ""
    wrap = ";overflow-wrap:anywhere" if kind == "td" else ""
    return f'<{kind}{place} style="text-align:left{wrap}">{escape(said)}</{kind}>'


def _mark(line: Line) -> str:
    return "✔" if line.met else "✗"


def _told(line: Line) -> str:
    return line.said if line.met else f"missing: {line.said.partition('. Hint: ')[0]}"


def _in_order(claims: Iterable[str]) -> str:
    return " ".join(sorted(claims, key=lambda claim: int(claim[1:])))
