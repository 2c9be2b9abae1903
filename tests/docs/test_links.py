"""docs/links.md lists every page that the course links to, and each address is well-formed."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.docs import links, written

LINKS = sorted(links.places(written.sources()))
SHORTENERS = {"bit.ly", "t.co", "goo.gl", "tinyurl.com", "amzn.to", "lnkd.in", "aka.ms"}
# The address of an archived page contains the original address.
ARCHIVES = ("web-archive.nli.org.il", "web.archive.org")


def test_the_list_of_links_is_up_to_date():
    assert links.DOCUMENT.read_text() == links.document(), "out of date: make tables"


def faults(link: str) -> list[str]:
    """What is wrong with an address, without a request."""
    parts = urlsplit(link)
    named = parse_qs(parts.query)
    found = {
        "not https": parts.scheme != "https",
        "no host": not re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.hostname or ""),
        "a user, a password or a port": "@" in parts.netloc or ":" in parts.netloc,
        "a shortener": parts.hostname in SHORTENERS,
        "tracking parameters": any(name.startswith("utm_") for name in named),
        "two addresses in one": link.count("://") > 1 and parts.hostname not in ARCHIVES,
        "a double slash": "//" in parts.path and parts.hostname not in ARCHIVES,
        "open brackets": link.count("(") != link.count(")"),
    }
    return [fault for fault, is_there in found.items() if is_there]


@pytest.mark.parametrize("link", LINKS)
def test_each_link_is_a_valid_address(link):
    assert faults(link) == []


def test_each_page_has_one_address():
    pages = {link.partition("#")[0] for link in LINKS}
    assert [page for page in pages if page.endswith("/") and page.rstrip("/") in pages] == []


@pytest.mark.parametrize(
    "link",
    [
        "http://docs.aws.amazon.com/",
        "https://docs/page",
        "https://me@docs.docker.com/",
        "https://bit.ly/x",
        "https://docs.docker.com/?utm_source=x",
        "https://docs.docker.com//page",
        "https://docs.docker.com/https://docs.docker.com/",
        "https://docs.docker.com/(page",
    ],
)
def test_invalid_addresses_are_found(link):
    assert faults(link)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://docs.docker.com/get-docker/, or ask.", ["https://docs.docker.com/get-docker/"]),
        ("([Docker](https://docs.docker.com))", ["https://docs.docker.com"]),
        ("https://docs.docker.com/a_(b)", ["https://docs.docker.com/a_(b)"]),
        ("http://localhost:5050/v2/ https://{registry}/v2/ https://$REGISTRY https://…", []),
        ("https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/ https://nowhere.invalid", []),
    ],
)
def test_links_to_pages_are_found(text, found):
    assert list(links.places([("here", text)])) == found
