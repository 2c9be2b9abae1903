"""Writes docs/links.md: every page on the web that the course names, and where.

``make tables`` (or ``python -m tests.docs.links``) writes it; ``test_links.py`` fails when it is out of date and checks
the form of each address. Whether the pages answer is not asked: tests need no network.
"""

import re
from collections.abc import Iterable

from helpers import settings
from tests.docs import written

DOCUMENT = settings.PROJECT / "docs" / "links.md"
HEAD = """\
# Links

<!-- Written by `make tables` from the documents, the notebooks, the data and the code. Change those, not this file. -->

Every page on the web that the course names, in the order of the alphabet, with where it is named. Facts that age have
their date where they stand.

"""
ADDRESS = re.compile(r"https?://[^\\\s\"'`<>|^]+")
# What is put together at run time, the sandbox's addresses and examples', and what answers programs.
NO_PAGE = re.compile(
    r"[{}$…*%]|\.\.\.|^https?://([^./]*(/|:|$)|127\.0\.0\.1|[^/]*\.(invalid|example)\b"
    r"|[^/]*\.amazonaws\.com|public\.ecr\.aws|auth\.docker\.io|hub\.docker\.com/v2|www\.w3\.org/2000)"
)


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document())


def document() -> str:
    """What docs/links.md has to say."""
    found = places(each for each in written.sources() if each[0] != "docs/links.md")
    return HEAD + "".join(
        f"- <{link}>: {', '.join(f'`{name}`' for name in sorted(names))}\n" for link, names in sorted(found.items())
    )


def places(texts: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Each address that names a page, and in which of the ``(name, text)`` it stands."""
    found: dict[str, set[str]] = {}
    for name, text in texts:
        for address in ADDRESS.findall(text):
            link = _without_end(address)
            if not NO_PAGE.search(link):
                found.setdefault(link, set()).add(name)
    return found


def _without_end(address: str) -> str:
    """The address without the sentence's own marks after it."""
    address = address.rstrip(".,;:!?*_")
    while address.endswith((")", "]")) and address.count("(") < address.count(")") + address.count("]"):
        address = address[:-1].rstrip(".,;:!?")
    return address


if __name__ == "__main__":
    main()
