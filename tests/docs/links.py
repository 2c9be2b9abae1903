"""Writes docs/links.md: every web page that the course links to, and where.

``make tables`` (or ``python -m tests.docs.links``) writes it; ``test_links.py`` fails when it is out of date and checks
the form of each address. It sends no requests: tests need no network.
"""

import re
from collections.abc import Iterable

from helpers import settings
from tests.docs import written

DOCUMENT = settings.PROJECT / "docs" / "links.md"
HEAD = """\
# Links

<!-- Written by `make tables` from the documents, the notebooks, the data and the code. Change those, not this file. -->

Every web page that the course links to, in alphabetical order, with the files that link to it. Facts that change over
time have a date in those files.

"""
ADDRESS = re.compile(r"https?://[^\\\s\"'`<>|^]+")
# Not pages: addresses built at run time, addresses of the sandbox and of examples, and APIs.
NO_PAGE = re.compile(
    r"[{}$…*%]|\.\.\.|^https?://([^./]*(/|:|$)|127\.0\.0\.1|[^/]*\.(invalid|example)\b"
    r"|[^/]*\.amazonaws\.com|public\.ecr\.aws|auth\.docker\.io|hub\.docker\.com/v2|www\.w3\.org/2000)"
)


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document())


def document() -> str:
    """The content of docs/links.md."""
    found = places(each for each in written.sources() if each[0] != "docs/links.md")
    return HEAD + "".join(
        f"- <{link}>: {', '.join(f'`{name}`' for name in sorted(names))}\n" for link, names in sorted(found.items())
    )


def places(texts: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Each address of a page, with the names of the ``(name, text)`` that contain it."""
    found: dict[str, set[str]] = {}
    for name, text in texts:
        for address in ADDRESS.findall(text):
            link = _without_end(address)
            if not NO_PAGE.search(link):
                found.setdefault(link, set()).add(name)
    return found


def _without_end(address: str) -> str:
    """The address without the punctuation of the sentence after it."""
    address = address.rstrip(".,;:!?*_")
    while address.endswith((")", "]")) and address.count("(") < address.count(")") + address.count("]"):
        address = address[:-1].rstrip(".,;:!?")
    return address


if __name__ == "__main__":
    main()
