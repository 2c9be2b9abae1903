"""Writes the picture at the top of each notebook: the steps of an image, with the current one highlighted.

``make tables`` (or ``python -m tests.notebooks.pictures``) writes them to notebooks/img; ``test_pictures.py`` fails
when they are out of date.
"""

from pathlib import Path

from helpers import settings

FOLDER = settings.PROJECT / "notebooks" / "img"

_STEPS = (  # row by row; the second row runs from right to left
    (
        ("source", "Source", "app, Dockerfile", "06"),
        ("build", "Build", "docker build", "06"),
        ("image", "Local image", "layers, manifest", "06"),
        ("tag", "Tag", "docker tag", "07"),
    ),
    (
        ("login", "Log in", "12-hour token", "05"),
        ("push", "Push", "docker push", "08"),
        ("repository", "ECR repository", "demo-app-repo", "04"),
        ("care", "Look after", "scan, tags, lifecycle", "10–12"),
    ),
    (
        ("pull", "Pull", "docker pull", "09"),
        ("run", "Run", "Fargate, EKS, Lambda", "13"),
        ("clean", "Clean up", "nothing left behind", "14"),
    ),
)
_ROWS = ("On your machine", "Amazon ECR", "Where it runs")
_CURRENT = {  # notebook -> step
    "00": "source",
    "01": "repository",
    "02": "repository",
    "03": "repository",
    "04": "repository",
    "05": "login",
    "06": "build",
    "07": "tag",
    "08": "push",
    "09": "pull",
    "10": "care",
    "11": "care",
    "12": "care",
    "13": "run",
    "14": "clean",
    "15": "source",
}
_BOX_W, _BOX_H, _GAP_X, _GAP_Y, _LEFT, _TOP = 168, 76, 32, 60, 24, 50
_STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;fill:#16202a}"
    ".card{fill:#fff;stroke:#8a97a3}.box{fill:#f1f5f8;stroke:#5a6874;stroke-width:1.5}"
    ".lit{fill:#ffedd9;stroke:#9a4a00;stroke-width:5}.t{font-size:16px;font-weight:600}"
    ".s{font-size:13px}.n{font-size:12px;fill:#44515d}.row{font-size:13px;font-weight:600;fill:#44515d}"
    ".a{stroke:#44515d;stroke-width:2;fill:none}.h{fill:#44515d}.pill{fill:#9a4a00}"
    ".you{font-size:12px;font-weight:700;fill:#fff}"
)


def way(notebook: str = "") -> str:
    """The picture as SVG; a notebook's number (``"08"``) highlights its step.

    ValueError for a number that has no picture.
    """
    if notebook and notebook not in _CURRENT:
        raise ValueError(f"there is no picture for notebook {notebook!r}: choose one of {', '.join(_CURRENT)}")
    current = _CURRENT.get(notebook, "")
    body, described = [], []
    for row, steps in enumerate(_STEPS):
        top = _TOP + row * (_BOX_H + _GAP_Y)
        aside = _BOX_W // 2 + 16 if row == 2 else 0  # next to the arrow from the row above
        body.append(f'<text class="row" x="{_LEFT + aside}" y="{top - 16}">{_ROWS[row]}</text>')
        for place, (name, title, detail, number) in enumerate(steps):
            left = _LEFT + (3 - place if row == 1 else place) * (_BOX_W + _GAP_X)
            body += _box(left, top, title, detail, number, lit=name == current)
            described.append(title + (" (you are here)" if name == current else ""))
            if place:
                body.append(
                    _arrow(left + _BOX_W + _GAP_X, left + _BOX_W, top) if row == 1 else _arrow(left - _GAP_X, left, top)
                )
        if row:  # from the last step of the row above, straight down
            x = _LEFT + _BOX_W / 2 + (3 * (_BOX_W + _GAP_X) if row == 1 else 0)
            down = (
                f'<path class="a" d="M{x:g} {top - _GAP_Y}V{top - 8}"/><path class="h" d="M{x:g} {top - 1}l-5-10h10z"/>'
            )
            body.insert(0, down)  # first, so that "you are here" is drawn over it
    width = 2 * _LEFT + 4 * _BOX_W + 3 * _GAP_X
    height = _TOP + 3 * _BOX_H + 2 * _GAP_Y + 24
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
            '<title id="title">The way an image takes</title>',
            f'<desc id="desc">{" → ".join(described)}. The number in each box is its notebook.</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
            *body,
            "</svg>\n",
        ]
    )


def _box(left: int, top: int, title: str, detail: str, number: str, lit: bool) -> list[str]:
    middle = left + _BOX_W // 2
    look = "lit" if lit else "box"
    shapes = [
        f'<rect class="{look}" x="{left}" y="{top}" width="{_BOX_W}" height="{_BOX_H}" rx="8"/>',
        f'<text class="t" x="{middle}" y="{top + 40}" text-anchor="middle">{title}</text>',
        f'<text class="s" x="{middle}" y="{top + 61}" text-anchor="middle">{detail}</text>',
        f'<text class="n" x="{left + _BOX_W - 8}" y="{top + 18}" text-anchor="end">{number}</text>',
    ]
    if lit:
        shapes.append(
            f'<rect class="pill" x="{middle - 62}" y="{top + _BOX_H - 3}" width="124" height="20" rx="10"/>'
            f'<text class="you" x="{middle}" y="{top + _BOX_H + 11}" text-anchor="middle">'
            "▲ you are here</text>"
        )
    return shapes


def _arrow(start: int, end: int, top: int) -> str:
    y, back = top + _BOX_H // 2, 10 if end > start else -10
    return f'<path class="a" d="M{start} {y}H{end - back}"/><path class="h" d="M{end} {y}l{-back}-5v10z"/>'


def write(folder: Path = FOLDER) -> list[Path]:
    """Write ``way.svg`` and a ``way-NN.svg`` for each notebook; return their paths."""
    pictures = {"way.svg": way()} | {f"way-{notebook}.svg": way(notebook) for notebook in _CURRENT}
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    return [folder / name for name in pictures]


if __name__ == "__main__":
    write()
