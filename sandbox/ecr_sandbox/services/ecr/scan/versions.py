"""The order of versions in each ecosystem.

``key(ecosystem, version)`` returns a key that Python can compare. Sources: Debian policy, 5.6.12, "Version";
apk-tools 2.14, ``src/version.c``; PEP 440; Semantic Versioning 2.0.0, section 11, which npm follows. All but Python's
are implemented here: libraries do not know all of apk's suffixes, or have another license or unnecessary dependencies.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .limits import LONGEST_VERSION

Key = tuple[Any, ...]

APK = re.compile(
    r"(?P<numbers>\d+(?:\.\d+)*)(?P<letter>[a-z]?)(?P<suffixes>(?:_[a-z]+\d*)*)(?:~[0-9a-f]+)?(?:-r(?P<r>\d+))?"
)
BEFORE = ("alpha", "beta", "pre", "rc")  # suffixes that sort before the version itself
AFTER = ("cvs", "svn", "git", "hg", "p")
NPM = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def key(ecosystem: str, version: str) -> Key:
    """The sort key of *version* in its *ecosystem* (``Debian:12``, ``PyPI``, …); raises ValueError.

    It raises for an invalid or very long version and for an unknown ecosystem.
    """
    if len(version) > LONGEST_VERSION:
        raise ValueError("the version is too long")
    kind = ecosystem.partition(":")[0]
    if kind not in KINDS:
        raise ValueError(f"the order of versions of {ecosystem} is not known")
    return KINDS[kind](version)


def debian(version: str) -> Key:
    """dpkg's order: ``~`` comes before the end, letters before other characters, and numbers compare as numbers."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", epoch
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    if not epoch.isdecimal() or not upstream or not rest.isascii():
        raise ValueError(f"{version!r} is no version of Debian's")
    return int(epoch), _parts(upstream), _parts(revision)


def apk(version: str) -> Key:
    """apk's order: numbers, a letter, suffixes that come before (``_rc``) or after (``_p``), the revision ``-r``."""
    found = APK.fullmatch(version.strip())
    if not found:
        raise ValueError(f"{version!r} is no version of Alpine's")
    first, *others = found["numbers"].split(".")
    parts: list[tuple[int, ...]] = [(6, int(first))]
    for each in others:
        zeros = len(each) - len(each.lstrip("0"))
        parts += [(6, 1 - zeros)] * bool(zeros) + [(6, int(each))]
    parts += [(5, ord(found["letter"]))] if found["letter"] else []
    for word, number in re.findall(r"_([a-z]+)(\d*)", found["suffixes"]):
        if word not in BEFORE + AFTER:
            raise ValueError(f"{version!r} is no version of Alpine's")
        parts.append((-1, BEFORE.index(word)) if word in BEFORE else (4, AFTER.index(word)))
        parts += [(3, int(number))] if number else []
    return (*parts, (2, int(found["r"])), (0,)) if found["r"] else (*parts, (0,))


def pypi(version: str) -> Key:
    """PEP 440's order."""
    from packaging.version import Version

    return (Version(version),)  # its InvalidVersion is a ValueError


def npm(version: str) -> Key:
    """npm's order: a suffix after a hyphen sorts before the version itself; a suffix after a plus is ignored."""
    found = NPM.fullmatch(version.strip())
    if not found:
        raise ValueError(f"{version!r} is no version of npm's")
    *numbers, before = found.groups()
    names = [(0, int(each), "") if each.isdecimal() else (1, 0, each) for each in (before or "").split(".")]
    return (*map(int, numbers), 0 if before else 1, tuple(names))


def _parts(text: str) -> Key:
    """Non-digits and numbers in turn, each pair so that Python's order is dpkg's; an empty number is 0."""
    return tuple((_weights(word), int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", text or "0"))


@lru_cache(4096)
def _weights(word: str) -> tuple[int, ...]:
    return (*(-1 if each == "~" else ord(each) if each.isalpha() else ord(each) + 256 for each in word), 0)


KINDS: dict[str, Callable[[str], Key]] = {
    "Debian": debian,
    "Ubuntu": debian,
    "Alpine": apk,
    "PyPI": pypi,
    "npm": npm,
}
