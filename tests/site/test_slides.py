"""`make slides`: short slides that show what really ran, notes with minutes, and no file from elsewhere."""

import html
import re

import pytest

from machine.project import ROOT

pytestmark = pytest.mark.timeout(900)  # the first test installs Sphinx

DECKS = sorted((ROOT / "docs" / "slides").glob("[0-9]*.md"))
by_name = pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
NOTES = re.compile(r"^:::\{revealjs-notes\}\n(.*?)^:::$", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{cell\} (\S+) .*?^```$", re.MULTILINE | re.DOTALL)


def slides_of(path) -> list[str]:
    """The Markdown of each slide."""
    return re.split(r"^(?=##? )", path.read_text(), flags=re.MULTILINE)[1:]


@by_name
def test_a_deck_has_at_most_12_slides_of_30_words(path):
    slides = slides_of(path)
    assert len(slides) <= 12
    for slide in slides:
        text = re.sub(r"!\[.*?\]\(.*?\)|[#*|`>-]", " ", CELL.sub("", NOTES.sub("", slide)))
        assert len(text.split()) <= 30, slide


@by_name
def test_each_slide_has_notes_with_minutes(path):
    for slide in slides_of(path):
        notes = NOTES.findall(slide)
        assert len(notes) == 1, slide
        assert re.match(r"\*\*\d+ minutes?\.\*\*", notes[0]), slide


@by_name
def test_a_deck_has_a_picture_a_cell_a_question_and_an_exercise(path):
    text = path.read_text()
    assert re.search(r"!\[.{20,}\]\(\.\./\.\./notebooks/img/", text)
    assert set(CELL.findall(text)) == {path.stem}
    assert text.count("\n## Question: ") == 1
    assert f"\n## Your turn: exercise {path.stem[:2]}." in text


@by_name
def test_a_deck_opens_offline_and_every_slide_fits(slides, open_page, path):
    opened = open_page(slides / f"{path.stem}.html", width=1280, height=720)
    opened.wait_for_function("window.Reveal?.isReady()")
    assert opened.evaluate("Reveal.hasPlugin('notes')")
    bottoms = opened.evaluate(
        """Array.from({length: Reveal.getTotalSlides()}, (_, number) => {
            Reveal.slide(number);
            const parts = [...Reveal.getCurrentSlide().querySelectorAll('*:not(aside, aside *)')];
            return Math.max(...parts.map((part) => part.offsetTop + part.offsetHeight));
        })"""
    )
    assert len(bottoms) == len(slides_of(path))
    assert [bottom for bottom in bottoms if not 0 < bottom <= 720] == []


def test_every_deck_is_in_the_list(slides):
    listed = re.findall(r'href="(\d\d_\w+)\.html"', (slides / "index.html").read_text())
    assert listed == [path.stem for path in DECKS]


@pytest.mark.parametrize(
    ("deck", "shown"),
    [
        ("00_start_here", "docker build -t demo-app-repo ."),
        ("00_start_here", "Login Succeeded"),
        ("00_start_here", "v1: digest: sha256:"),
        ("00_start_here", "shows: Hello from a container!"),
        ("08_push_the_image", ": Layer already exists"),
        ("08_push_the_image", "v1: digest: sha256:"),
        ("08_push_the_image", "PUT 201 Created\nHEAD 200 OK\n[]"),
        ("08_push_the_image", "The repository with name 'no-such-repo' does not exist"),
    ],
)
def test_a_deck_shows_what_its_notes_talk_about(slides, deck, shown):
    page = html.unescape((slides / f"{deck}.html").read_text())
    assert any(shown in block for block in re.findall(r"<code.*?</code>", page, re.DOTALL))
