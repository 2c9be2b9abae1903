"""The pictures are current, accessible, and readable on any background, in the light and in the dark scheme."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from tests.notebooks import course, pictures, svg_style

PICTURES = pictures.FOLDER
SCHEMES = {"light": svg_style.LIGHT, "dark": svg_style.DARK}
WIDTH = 1000  # px; JupyterLab cuts what is wider on a small screen

every_picture = pytest.mark.parametrize("picture", pictures.drawn(), ids=lambda path: path.name)


def test_the_committed_pictures_are_up_to_date(tmp_path):
    for picture in pictures.write(tmp_path):
        assert (PICTURES / picture.name).read_text(encoding="utf-8") == picture.read_text(encoding="utf-8"), (
            f"{picture.name} is not current: run make tables"
        )


def test_a_strip_marks_its_notebook_by_its_name():
    strip = pictures.strip_of("08")
    assert strip.count(">08 Push the image<") == 1
    assert "This is notebook 08: Push the image." in strip
    assert [number for number in pictures.TITLES if f">{number}<" not in strip] == ["08"]
    with pytest.raises(ValueError, match="there is no notebook '99'"):
        pictures.strip_of("99")


def test_every_notebook_has_a_strip_of_one_line():
    for path in course.PATHS:
        root = ElementTree.fromstring(pictures.strip_of(path.name[:2]))
        assert float(root.get("height")) <= 50


SVG = "{http://www.w3.org/2000/svg}"


@every_picture
def test_every_picture_is_small_accessible_and_self_contained(picture):
    source = picture.read_text(encoding="utf-8")
    root = ElementTree.fromstring(source)
    assert len(source.encode()) < 15_000
    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{part}").get("id") for part in ("title", "desc")] == root.get("aria-labelledby").split()
    assert len(root.findtext(f"{SVG}title")) > 10
    assert len(root.findtext(f"{SVG}desc")) > 40
    assert not re.search(r"<script|href|url\(|@import|@font-face|<image|foreignObject", source)
    assert float(root.get("width")) <= WIDTH


@every_picture
def test_every_picture_has_the_one_style(picture):
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    known = set(re.findall(r"\.([a-z]+)[,{]", svg_style.SHAPES))
    used = {part.get("class") for part in root.iter() if part.get("class")}
    assert used <= known
    colored = [part for part in root.iter() if any(part.get(name) for name in ("fill", "stroke", "style"))]
    assert colored == []


@every_picture
def test_text_fits_in_its_box(picture):
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    sizes = dict(re.findall(r"\.([a-z]+)\{[^}]*?font-size:([\d.]+)px", svg_style.css(svg_style.LIGHT)))
    wide = {
        "m": 0.61,
        "mm": 0.61,
        "t": 0.64,
    }  # approximate width of a letter, relative to the font size, in DejaVu Sans (a wide font)
    boxes = [[float(r.get(side)) for side in ("x", "y", "width", "height")] for r in root.iter(f"{SVG}rect")]
    for text in root.iter(f"{SVG}text"):
        kind = text.get("class")
        x, y, content = float(text.get("x")), float(text.get("y")), "".join(text.itertext())
        width = len(content) * float(sizes[kind]) * wide.get(kind, 0.56)
        left = x - {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
        around = [b for b in boxes if b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]]
        inner = min(around, key=lambda box: box[2] * box[3])
        assert inner[0] - 4 <= left, content
        assert left + width <= inner[0] + inner[2] + 4, content


def fills(scheme: dict[str, str]) -> dict[str, str]:
    """The fill that each class of the style gives, and that of text."""
    found = re.findall(r"^([^{]+)\{[^}]*?fill:(#[0-9a-f]{3,6}|none)\b", svg_style.css(scheme), re.MULTILINE)
    return {name.lstrip("."): color for names, color in found for name in names.split(",")}


def luminance(color: str) -> float:
    """WCAG 2.2, "relative luminance" (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def below(root, known: dict[str, str]) -> list[tuple[str, str, str]]:
    """``(text, color, background color)`` of each text of a picture; *known* is the fill of each class."""
    boxes, found = [], []
    for shape in root.iter():
        if shape.tag in (f"{SVG}rect", f"{SVG}circle"):
            boxes.append(shape)
        elif shape.tag == f"{SVG}text":
            x, y = float(shape.get("x")), float(shape.get("y"))
            under = [box for box in boxes if contains(box, x, y) and known.get(box.get("class"), "none") != "none"]
            color = known.get(shape.get("class"), known["text"])
            found.append(("".join(shape.itertext()), color, known[under[-1].get("class")]))
    return found


def contains(box, x: float, y: float) -> bool:
    if box.tag == f"{SVG}circle":
        middle = (float(box.get("cx")), float(box.get("cy")))
        return math.dist(middle, (x, y)) <= float(box.get("r"))
    left, top, width, height = (float(box.get(side)) for side in ("x", "y", "width", "height"))
    return left <= x <= left + width and top <= y <= top + height


@every_picture
@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_enough_contrast_on_any_page(picture, scheme):
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    card, (_, _, width, height) = root.find(f"{SVG}rect"), map(float, root.get("viewBox").split())
    assert card.get("class") == "card"  # the picture has its own background
    assert float(card.get("width")) >= width - 1 and float(card.get("height")) >= height - 1
    for text, color, ground in below(root, fills(SCHEMES[scheme])):
        assert contrast(color, ground) >= 4.5, text  # WCAG 2.2, 1.4.3


def test_contrast_follows_the_wcag_formula():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#9a4a00", "#fff") == contrast("#fff", "#9a4a00")
