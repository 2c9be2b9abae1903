"""Writes the pictures that are made from data, and the style of all others.

``make tables`` (or ``python -m tests.notebooks.pictures``) writes to notebooks/img the way of an image, and for each
notebook a strip of all sixteen notebooks with the current one marked. ``test_pictures.py`` fails when they are out of
date. The screenshots have no style: ``screenshots.py`` takes them.
"""

from pathlib import Path

from helpers import settings
from tests.notebooks import course, svg_style
from tests.notebooks.screenshots import SCREENSHOTS

FOLDER = settings.PROJECT / "notebooks" / "img"

_STEPS = (  # row by row; the second row runs from right to left
    (
        ("Source", "app, Dockerfile", "06"),
        ("Build", "docker build", "06"),
        ("Local image", "layers, manifest", "06"),
        ("Tag", "docker tag", "07"),
    ),
    (
        ("Log in", "12-hour token", "05"),
        ("Push", "docker push", "08"),
        ("ECR repository", "demo-app-repo", "04"),
        ("Look after", "scan, tags, lifecycle", "10–12"),
    ),
    (
        ("Pull", "docker pull", "09"),
        ("Run", "Fargate, EKS, Lambda", "13"),
        ("Clean up", "nothing left behind", "14"),
    ),
)
_ROWS = ("On your machine", "Amazon ECR", "Where it runs")
TITLES = {number: title for part in course.PARTS.values() for number, title in part.items()}
_BOX_W, _BOX_H, _GAP_X, _GAP_Y, _LEFT, _TOP = 168, 76, 32, 60, 24, 50
_MARK_W, _MARK_H, _MARK_GAP, _PART_GAP = 30, 26, 4, 16
_LETTER, _CAPITAL = 7.6, 9.6  # the width of a bold letter of 13 px, at most


def way() -> str:
    """The steps of an image from source to clean-up, as SVG."""
    body, described = [], []
    for row, steps in enumerate(_STEPS):
        top = _TOP + row * (_BOX_H + _GAP_Y)
        aside = _BOX_W // 2 + 16 if row == 2 else 0  # next to the arrow from the row above
        body.append(f'<text class="row" x="{_LEFT + aside}" y="{top - 16}">{_ROWS[row]}</text>')
        for place, (title, detail, number) in enumerate(steps):
            left = _LEFT + (3 - place if row == 1 else place) * (_BOX_W + _GAP_X)
            body += _box(left, top, title, detail, number)
            described.append(title)
            if place:
                body.append(
                    _arrow(left + _BOX_W + _GAP_X, left + _BOX_W, top) if row == 1 else _arrow(left - _GAP_X, left, top)
                )
        if row:  # from the last step of the row above, straight down
            x = _LEFT + _BOX_W / 2 + (3 * (_BOX_W + _GAP_X) if row == 1 else 0)
            body.append(
                f'<path class="a" d="M{x:g} {top - _GAP_Y}V{top - 8}"/><path class="h" d="M{x:g} {top - 1}l-5-10h10z"/>'
            )
    width = 2 * _LEFT + 4 * _BOX_W + 3 * _GAP_X
    height = _TOP + 3 * _BOX_H + 2 * _GAP_Y + 24
    description = f"{' → '.join(described)}. The number in each box is its notebook."
    return _svg(width, height, "The way an image takes", description, body)


def strip_of(number: str) -> str:
    """One line with all notebooks, grouped by part, and the notebook of this number (``"08"``) marked, as SVG.

    ValueError for a number that has no notebook.
    """
    if number not in TITLES:
        raise ValueError(f"there is no notebook {number!r}: choose one of {', '.join(TITLES)}")
    title, x, body = TITLES[number], 9.0, []
    for part in course.PARTS.values():
        for each in part:
            current = each == number
            shown = f"{each} {title}" if current else each
            wide = 16 + sum(_CAPITAL if c.isupper() else _LETTER for c in shown) if current else _MARK_W
            look, text = ("go", "w") if current else ("box", "n")
            body.append(f'<rect class="{look}" x="{x:g}" y="9" width="{wide:g}" height="{_MARK_H}" rx="6"/>')
            body.append(f'<text class="{text}" x="{x + wide / 2:g}" y="27" text-anchor="middle">{shown}</text>')
            x += wide + _MARK_GAP
        x += _PART_GAP - _MARK_GAP
    width = round(x - _PART_GAP + 9)
    description = f"Sixteen notebooks, from 00 to 15, in three parts. This is notebook {number}: {title}."
    return _svg(width, _MARK_H + 18, f"Notebook {number}: {title}", description, body)


def _svg(width: int, height: int, title: str, description: str, body: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{title}</title>',
            f'<desc id="desc">{description}</desc>',
            svg_style.style(),
            f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
            *body,
            "</svg>\n",
        ]
    )


def _box(left: int, top: int, title: str, detail: str, number: str) -> list[str]:
    middle = left + _BOX_W // 2
    return [
        f'<rect class="box" x="{left}" y="{top}" width="{_BOX_W}" height="{_BOX_H}" rx="8"/>',
        f'<text class="t" x="{middle}" y="{top + 40}" text-anchor="middle">{title}</text>',
        f'<text class="s" x="{middle}" y="{top + 61}" text-anchor="middle">{detail}</text>',
        f'<text class="n" x="{left + _BOX_W - 8}" y="{top + 18}" text-anchor="end">{number}</text>',
    ]


def _arrow(start: int, end: int, top: int) -> str:
    y, back = top + _BOX_H // 2, 10 if end > start else -10
    return f'<path class="a" d="M{start} {y}H{end - back}"/><path class="h" d="M{end} {y}l{-back}-5v10z"/>'


def drawn() -> list[Path]:
    """The pictures that are no screenshots."""
    return sorted(path for path in FOLDER.glob("*.svg") if path.stem not in SCREENSHOTS)


def write(folder: Path = FOLDER) -> list[Path]:
    """Write ``way.svg``, the strips, and all other pictures with today's style; return their paths."""
    made = {"way.svg": way()} | {f"strip-{number}.svg": strip_of(number) for number in TITLES}
    pictures = {path.name: svg_style.styled(path.read_text(encoding="utf-8")) for path in drawn()} | made
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    return [folder / name for name in sorted(pictures)]


if __name__ == "__main__":
    write()
