"""The screenshots are of today's console, small, used, and described."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from helpers import settings
from tests.notebooks import course, pictures, screenshots
from tests.notebooks.screenshots import SCREENSHOTS

SVG = "{http://www.w3.org/2000/svg}"
ALL_BYTES = 1_500_000
DOCUMENTS = [path for at in ("*.md", "docs/**/*.md", "notebooks/*.md") for path in settings.PROJECT.glob(at)]

every_screenshot = pytest.mark.parametrize("name", SCREENSHOTS)


def shown() -> dict[str, list[str]]:
    """Each picture that a notebook or a document shows, and its alternative texts."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    texts += [cell.source for path in course.PATHS for cell in course.read(path).cells if cell.cell_type == "markdown"]
    found: dict[str, list[str]] = {}
    for text in texts:
        for alternative, name in re.findall(r"!\[([^\]]*)\]\([^)\s]*\bimg/([\w-]+)\.svg\)", text):
            found.setdefault(name, []).append(alternative)
    return found


def test_every_picture_is_shown_and_every_shown_picture_exists():
    assert sorted(shown()) == sorted(path.stem for path in pictures.FOLDER.iterdir())


@pytest.mark.parametrize("scene", {shot.scene for shot in SCREENSHOTS.values()}, ids=lambda scene: scene.__name__)
def test_the_words_of_the_screenshots_are_those_of_the_console(scene):
    """Otherwise run `make pictures`, and look at the new pictures."""
    with screenshots.staged(scene) as sandbox:
        for name, shot in SCREENSHOTS.items():
            if shot.scene is scene:
                assert screenshots.words(sandbox, shot) == screenshots.noted_words(name), f"{name}: make pictures"


@every_screenshot
def test_a_screenshot_is_accessible_and_has_both_schemes(name):
    root = ElementTree.fromstring((pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8"))
    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{part}").get("id") for part in ("title", "desc")] == root.get("aria-labelledby").split()
    assert root.findtext(f"{SVG}title").endswith("in the sandbox's console")
    assert len(root.findtext(f"{SVG}desc")) > 40
    day, night = (brightness(image.get("href")) for image in root.iter(f"{SVG}image"))
    assert night < 80 < 170 < day  # of 255
    assert root.findtext(f"{SVG}style").count("prefers-color-scheme:dark") == 1


def brightness(address: str) -> float:
    """The mean brightness of the picture in a data: URI; it must be as wide as the course's pictures."""
    kind, _, content = address.partition(",")
    assert kind == "data:image/webp;base64"
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert image.width == screenshots.WIDTH * screenshots.FINE
    return sum(place * n for place, n in enumerate(image.convert("L").histogram())) / (image.width * image.height)


def test_all_screenshots_together_are_small():
    sizes = [(pictures.FOLDER / f"{name}.svg").stat().st_size for name in SCREENSHOTS]
    assert sum(sizes) < ALL_BYTES


@every_screenshot
def test_the_text_in_place_of_a_screenshot_names_the_sandbox(name):
    for alternative in shown()[name]:
        assert "sandbox's console" in alternative
        assert len(alternative) > 60
