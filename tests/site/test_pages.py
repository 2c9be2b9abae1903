"""`make site`: every page opens from its folder, offline, and can be read on a phone, in the dark and by keyboard."""

import html
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image, ImageStat

from machine import site
from machine.project import ROOT
from tests.notebooks import course

pytestmark = pytest.mark.timeout(900)  # the first test installs Sphinx and builds everything

NOTEBOOKS = [f"notebooks/{path.stem}" for path in course.PATHS]
DOCUMENTS = [f"docs/{path.stem}" for path in sorted((ROOT / "docs").glob("*.md")) if path.stem != "links"]
PAGES = ["index", *NOTEBOOKS, "notebooks/troubleshooting", "notebooks/glossary", "notebooks/README", "sandbox/README"]
PAGES += DOCUMENTS
WIDER_THAN_THE_WINDOW = """[...document.querySelectorAll("article *")].filter((part) =>
    part.getBoundingClientRect().right > innerWidth && !part.closest("pre, .table-wrapper, .copybtn")
).map((part) => part.outerHTML.slice(0, 200))"""
# The colors of a token come from its class and its block. axe needs half a second for each thousand of them.
KEEP_ONE_TOKEN_OF_EACH_KIND = """() => {
    const seen = new Set()
    for (const token of document.querySelectorAll(".highlight span")) {
        const block = token.closest("[class^=highlight-]"), cell = token.closest(".cell_input, .cell_output")
        const kind = [token, token.parentElement, block, cell].map((part) => part?.className).join("/")
        if (seen.has(kind)) token.replaceWith(...token.childNodes)
        else seen.add(kind)
    }
}"""
SHELL = re.compile(r"%%(bash|live)\b")


def text(built: Path, page: str) -> str:
    """The HTML of a page."""
    return (built / f"{page}.html").read_text()


def test_every_notebook_and_document_is_in_the_list_of_pages(built):
    linked = re.findall(r'<a class="reference internal" href="([^"#]+)\.html">', text(built, "index"))
    assert set(linked) == set(PAGES) - {"index"}


@pytest.mark.parametrize("page", [*PAGES, "search"])
def test_a_page_opens_offline_fits_the_window_and_is_accessible(built, open_page, page):
    opened = open_page(built / f"{page}.html", width=1400, scheme="dark")
    opened.evaluate(KEEP_ONE_TOKEN_OF_EACH_KIND)
    assert faults(opened) == []
    opened.set_viewport_size({"width": 360, "height": 900})
    opened.emulate_media(color_scheme="light")
    assert faults(opened) == []


def faults(opened) -> list:
    """What is wider than the window, and what axe finds on the page."""
    from axe_playwright_python.sync_playwright import Axe

    # Without `preload`, axe does not read the style sheets itself, which a browser forbids in a folder.
    found = Axe().run(opened, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    named = [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in serious]
    return opened.evaluate(WIDER_THAN_THE_WINDOW) + named


def test_the_search_finds_an_error_message_without_a_server(built, open_page):
    opened = open_page(built / "search.html", "?q=no+basic+auth+credentials")
    opened.get_by_text("Search finished").wait_for()
    links = opened.locator("#search-results li a").all()
    found = {link.evaluate("(link) => link.pathname.split('/').pop()") for link in links}
    assert {"troubleshooting.html", "05_authenticate_docker.html"} <= found


def test_no_page_needs_a_file_from_elsewhere(built):
    for path in built.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe)[^>]*>", path.read_text()):
            assert not re.search(r'(?:src|href)="(?:https?:)?//', tag), (path, tag)


def test_links_between_pages_work(built):
    anchors: dict[Path, set[str]] = {}
    for path in sorted(built.rglob("*.html")):
        anchors[path] = {html.unescape(name) for name in re.findall(r'\bid="([^"]*)"', path.read_text())}
    for path in anchors:
        for address in map(html.unescape, re.findall(r'<a [^>]*href="([^"]*)"', path.read_text())):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), (path, address)
            assert not parts.fragment or unquote(parts.fragment) in anchors[target], (path, address)


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_a_notebook_has_its_stored_outputs_and_folded_solutions(built, path):
    page = text(built, f"notebooks/{path.stem}")
    shown = " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())
    for cell in course.read(path).cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                assert " ".join(output.text.split()) in shown
    folded = sum(cell.source.count("<details>") for cell in course.read(path).cells if cell.cell_type == "markdown")
    assert folded
    assert page.count("<details>") == folded


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_shell_cells_are_highlighted_as_bash(built, path):
    page = text(built, f"notebooks/{path.stem}")
    blocks = re.findall(r'<div class="highlight-([\w-]+) notranslate">.*?<pre>(.*?)</pre>', page, re.DOTALL)
    of_shell = [language for language, code in blocks if SHELL.match(html.unescape(re.sub(r"<[^>]*>", "", code)))]
    cells = [cell for cell in course.read(path).cells if cell.cell_type == "code" and SHELL.match(cell.source)]
    assert of_shell == ["bash"] * len(cells)


@pytest.mark.parametrize(
    ("machine", "chosen"), [("light", "dark"), ("dark", "light"), ("dark", "auto"), ("light", "auto")]
)
def test_pictures_and_plots_follow_the_theme_that_the_reader_chooses(built, open_page, machine, chosen):
    opened = open_page(built / "notebooks/12_lifecycle_and_cost.html", scheme=machine)
    opened.evaluate("(chosen) => document.body.dataset.theme = chosen", chosen)
    pictures = opened.locator("article img").all()
    shown = {name_of(picture): lightness(picture.screenshot()) for picture in pictures}
    assert {name.rpartition(".")[2] for name in shown} == {"svg", "png"}
    dark = (machine if chosen == "auto" else chosen) == "dark"
    assert [name for name, light in shown.items() if (light < 128) != dark] == []


def lightness(picture: bytes) -> int:
    """The median, from 0 for black to 255 for white; most of a picture is its background."""
    with Image.open(io.BytesIO(picture)) as opened:
        return int(ImageStat.Stat(opened.convert("L")).median[0])


def name_of(picture) -> str:
    return picture.get_attribute("src").rpartition("/")[2]


def test_every_picture_has_a_text(built):
    for page in PAGES:
        for picture in re.findall(r"<img[^>]*>", text(built, page)):
            name, told = (re.search(rf'{key}="([^"]*)"', picture)[1] for key in ("src", "alt"))
            assert told, (page, name)
            assert name.rpartition("/")[2] not in told, page


def test_a_page_says_how_to_run_it(built):
    for page in NOTEBOOKS:
        assert f"http://localhost:8888/lab/tree/{page}.ipynb" in text(built, page)


def test_terms_link_to_the_glossary(built):
    for page in NOTEBOOKS:
        assert re.search(r'href="glossary\.html#term-[\w-]+"', text(built, page)), page
    assert 'id="term-digest"' in text(built, "notebooks/glossary")


def test_the_epub_contains_every_notebook_as_valid_xml(built):
    with zipfile.ZipFile(built / "learn-amazon-ecr.epub") as book:
        pages = {name: book.read(name) for name in book.namelist() if name.endswith(".xhtml")}
    for content in pages.values():
        ET.fromstring(content)
    assert {f"{page}.xhtml" for page in PAGES} <= pages.keys()
    contents = pages["nav.xhtml"].decode()
    assert [page for page in PAGES if f"{page}.xhtml" not in contents] == []


def test_the_pdf_prints_folded_text(built, open_page):
    assert (built / "learn-amazon-ecr.pdf").read_bytes().startswith(b"%PDF-")
    opened = open_page(built / f"{NOTEBOOKS[8]}.html")
    closed = opened.locator("details:not([open])")
    assert closed.count() > 0
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0


def test_the_downloads_are_linked(built):
    linked = re.findall(r'href="\.\./learn-amazon-ecr\.(\w+)"', text(built, NOTEBOOKS[0]))
    assert linked == (["epub", "pdf"] if site.browser() else ["epub"])


def test_no_path_of_this_machine_is_in_the_site(built):
    for path in built.rglob("*"):
        if path.suffix in (".html", ".js", ".css", ".inv"):
            assert str(ROOT).encode() not in path.read_bytes(), path
