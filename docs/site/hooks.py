"""What Sphinx and MyST do not do alone: colors of bash, links to the glossary, texts for plots, HTML for EPUB."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref, toctree
from sphinx.application import Sphinx

GLOSSARY = "notebooks/glossary"
SHELL = ("%%bash", "%%live")
COLUMNS = re.compile(r"\S( {2,}|\t)\S")
NO_LINKS = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.table, pending_xref)


def setup(app: Sphinx) -> dict[str, object]:
    """Register the hooks. When this file changes, Sphinx reads all pages again."""
    app.connect("doctree-read", change)
    app.connect("html-page-context", leave_out_css)
    version = zlib.crc32(Path(__file__).read_bytes())
    return {"env_version": version, "parallel_read_safe": True, "parallel_write_safe": True}


def leave_out_css(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Do not link MyST-NB's style sheet in the EPUB: MyST-NB writes it after Sphinx has packed the book."""
    if app.builder.name == "epub":
        context["css_files"] = [each for each in context["css_files"] if "mystnb." not in str(each.filename)]


def change(app: Sphinx, doctree: nodes.document) -> None:
    """Change the page that Sphinx has read."""
    highlight_shell(doctree)
    wrap_outputs(doctree)
    describe_plots(doctree)
    close_html(doctree)
    lift_contents(doctree)
    if app.env.docname.startswith("notebooks/") and app.env.docname != GLOSSARY:
        terms = (app.srcdir / GLOSSARY).with_suffix(".md").read_text()
        link_terms(doctree, re.findall(r"^(\S.*)\n  ", terms, re.MULTILINE))


def highlight_shell(doctree: nodes.document) -> None:
    """Highlight cells that a magic command runs in a shell as bash."""
    for block in doctree.findall(nodes.literal_block):
        if block.astext().startswith(SHELL):
            block["language"] = "bash"


def wrap_outputs(doctree: nodes.document) -> None:
    """Let the lines of outputs wrap, except where columns would break."""
    for block in doctree.findall(nodes.literal_block):
        rows = [line for line in block.astext().splitlines() if COLUMNS.search(line)]
        if "output" in block["classes"] and len(rows) < 2:
            block["classes"].append("wrap")


def describe_plots(doctree: nodes.document) -> None:
    """Give a plot among the outputs the text that its cell has for it, for readers who cannot see it."""
    for image in doctree.findall(nodes.image):
        output = image.parent.parent
        if isinstance(output, nodes.container) and output.get("nb_element") == "mime_bundle":
            image["alt"] = " ".join(part.astext() for part in output if part["mime_type"] == "text/plain")


def close_html(doctree: nodes.document) -> None:
    """Write the HTML within the notebooks as XHTML, which is what an EPUB contains."""
    for raw in doctree.findall(nodes.raw):
        text = raw.astext().replace("<br>", "<br/>").replace("&emsp;", "\u2003")
        raw.clear()
        raw += nodes.Text(text)


def lift_contents(doctree: nodes.document) -> None:
    """Put the list of pages next to the sections of the home page, not into the last one: the PDF has this outline."""
    for contents in list(doctree.findall(toctree)):
        wrapper = contents.parent
        wrapper.parent.remove(wrapper)
        doctree[0] += wrapper


def link_terms(doctree: nodes.document, terms: list[str]) -> None:
    """Link the first use of each term in the text of a page to the glossary."""
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})s?\b", re.IGNORECASE)
    known = {term.lower(): term for term in terms}
    seen: set[str] = set()
    for text in list(doctree.findall(nodes.Text)):
        # Emphasized words are a term, or a label of the console, which is not one.
        is_label = isinstance(text.parent, nodes.emphasis) and not pattern.fullmatch(text.astext())
        if not is_label and not _within(text, NO_LINKS):
            text.parent.replace(text, list(_linked(text.astext(), pattern, known, seen)))


def _linked(text: str, pattern: re.Pattern[str], known: dict[str, str], seen: set[str]) -> Iterator[nodes.Node]:
    end = 0
    for found in pattern.finditer(text):
        term = known[found[1].lower()]
        if term not in seen:
            seen.add(term)
            if found.start() > end:
                yield nodes.Text(text[end : found.start()])
            label = nodes.inline(found[0], found[0], classes=["term"])
            yield pending_xref("", label, refdomain="std", reftype="term", reftarget=term, refwarn=True)
            end = found.end()
    if end < len(text):
        yield nodes.Text(text[end:])


def _within(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False
