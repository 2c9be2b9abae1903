"""The operating system and the packages of an image, from the files of package managers.

Debian's and Ubuntu's are in dpkg's status file (of distroless images, one file a package in ``status.d``); advisories
name *source* packages, whose name and version are there too if they differ (Debian policy, 5.6.1). Alpine's are
in apk's database, whose ``o:`` is the origin. Python's are in each package's METADATA (or PKG-INFO of an egg), npm's in
each ``package.json`` below ``node_modules``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from .layers import Entry, Kept, Make, Tree
from .limits import LONGEST_FIELD, LONGEST_FILE, LONGEST_LINE, LONGEST_LIST, TooMuch

RELEASE = ("etc/os-release", "usr/lib/os-release")
DPKG, DPKG_PARTS = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
PYTHON = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
LANGUAGES = ("PyPI", "npm")
NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+/package\.json")
# The used fields. The names of fields are case-insensitive: Debian policy, 5.1; email headers, RFC 5322.
RELEASE_FIELD = re.compile(r"""(ID|VERSION|VERSION_ID)=["']?([^"']*)["']?""")
DPKG_FIELD = re.compile(r"(Package|Version|Source|Status|Architecture):[ \t]*(.+)", re.I)
APK_FIELD = re.compile(r"([PVoA]):(.+)")
PYTHON_FIELD = re.compile(r"(Name|Version):[ \t]*(.+)", re.I)


@dataclass(frozen=True)
class Package:
    """One installed package; *source* and *source_version* are its name in advisories, *path* is its file.

    *ecosystem* is OSV's: ``Debian:12``, ``Alpine:v3.20``, ``PyPI``, ``npm``. *layer* is the digest of the layer.
    """

    ecosystem: str
    name: str
    version: str
    source: str
    source_version: str
    path: str
    layer: str
    arch: str = ""


@dataclass(frozen=True)
class Inventory:
    """The *platform* (``DEBIAN_12``, or empty for an unknown one) and the packages of an image."""

    platform: str
    packages: tuple[Package, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Inventory":
        """The inventory whose ``asdict`` is *content*."""
        return cls(content["platform"], tuple(Package(**each) for each in content["packages"]))


def want(path: str) -> Make | None:
    """How to read the file at *path* in an image; see ``layers.Want``."""
    if path in RELEASE:
        return _release_fields
    if path == DPKG:
        return _dpkg
    if path.startswith(DPKG_PARTS) and not path.endswith(".md5sums"):
        return partial(_dpkg, longest=LONGEST_FILE)
    if path in APK:
        return _apk
    if PYTHON.fullmatch(path):
        return _python
    if NPM.fullmatch(path):
        return _npm
    return None


def inventory(tree: Tree) -> Inventory:
    """The inventory from the kept files of an image."""
    platform, ecosystem = _release(tree.files)
    packages = [*_of_system(tree.files, ecosystem), *_of_languages(tree.files)]
    return Inventory(platform, tuple(sorted(packages, key=lambda each: (each.ecosystem, each.name, each.path))))


def canonical(ecosystem: str, name: str) -> str:
    """The one spelling of a package's name: PyPI's has several (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


def is_of_system(ecosystem: str) -> bool:
    """Whether packages of *ecosystem* are the operating system's, which basic scanning covers."""
    return ecosystem not in LANGUAGES


def _release(files: Mapping[str, Kept]) -> tuple[str, str]:
    """The platform as Inspector writes it, and OSV's ecosystem; both empty for an unknown system.

    Source: https://www.freedesktop.org/software/systemd/man/latest/os-release.html
    """
    entries = next((files[path].content for path in RELEASE if path in files), ())
    fields = {entry[0]: entry[1] for entry in entries}
    system, version = fields.get("id", ""), fields.get("version_id", "")
    numbers = version.split(".")
    if system == "debian" and version:
        return f"DEBIAN_{numbers[0]}", f"Debian:{numbers[0]}"
    if system == "ubuntu" and len(numbers) > 1:
        support = ":LTS" if "LTS" in fields.get("version", "") else ""  # OSV schema, "Defined ecosystems"
        return f"UBUNTU_{numbers[0]}_{numbers[1]}", f"Ubuntu:{version}{support}"
    if system == "alpine" and len(numbers) > 1:
        return f"ALPINE_LINUX_{numbers[0]}_{numbers[1]}", f"Alpine:v{numbers[0]}.{numbers[1]}"
    return "", ""


def _of_system(files: Mapping[str, Kept], ecosystem: str) -> Iterator[Package]:
    for path, kept in files.items():
        if ecosystem.startswith(("Debian", "Ubuntu")):
            ours = path == DPKG or path.startswith(DPKG_PARTS)
        else:
            ours = ecosystem.startswith("Alpine") and path in APK
        for name, version, source, source_version, arch in kept.content if ours else ():
            yield Package(ecosystem, name, version, source, source_version, path, kept.layer, arch)


def _of_languages(files: Mapping[str, Kept]) -> Iterator[Package]:
    for path, kept in files.items():
        ecosystem = "PyPI" if PYTHON.fullmatch(path) else "npm" if NPM.fullmatch(path) else ""
        for name, version in kept.content if ecosystem else ():
            source = canonical(ecosystem, name)
            yield Package(ecosystem, name, version, source, version, path, kept.layer)


def _release_fields(file: BinaryIO) -> Iterator[Entry]:
    for block in _blocks(file, RELEASE_FIELD, LONGEST_FILE):
        yield from block.items()


def _dpkg(file: BinaryIO, longest: int = LONGEST_LIST) -> Iterator[Entry]:
    """Name and version of each package, name and version of its source package, and architecture."""
    for fields in _blocks(file, DPKG_FIELD, longest):
        name, version = fields.get("package"), fields.get("version")
        # a removed package may leave its configuration; distroless writes no status
        if name and version and fields.get("status", "installed").endswith("installed"):
            source, _, given = fields.get("source", name).partition(" ")
            yield name, version, source, given.strip("()") or version, fields.get("architecture", "")


def _apk(file: BinaryIO) -> Iterator[Entry]:
    for fields in _blocks(file, APK_FIELD, LONGEST_LIST):
        if "p" in fields and "v" in fields:
            name, version = fields["p"], fields["v"]
            yield name, version, fields.get("o", name), version, fields.get("a", "")


def _python(file: BinaryIO) -> Iterator[Entry]:
    """Name and version of a Python package (Core metadata specifications: headers as in a mail)."""
    fields = next(_blocks(file, PYTHON_FIELD, LONGEST_FILE), {})
    yield from _both(fields.get("name"), fields.get("version"))


def _npm(file: BinaryIO) -> Iterator[Entry]:
    text = file.read(LONGEST_FILE + 1)
    _check(len(text), LONGEST_FILE)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(fields, dict):
        yield from _both(fields.get("name"), fields.get("version"))


def _both(name: Any, version: Any) -> Iterator[Entry]:
    if isinstance(name, str) and isinstance(version, str) and name and version:
        yield _checked(name), _checked(version)


def _blocks(file: BinaryIO, field: re.Pattern[str], longest: int) -> Iterator[dict[str, str]]:
    """The fields that *field* matches, of each block between empty lines; their names in lower case."""
    found: dict[str, str] = {}
    size = 0
    while line := file.readline(LONGEST_LINE + 1):
        size += len(line)
        _check(size, longest)
        _check(len(line), LONGEST_LINE)
        text = line.decode(errors="replace").rstrip()
        if match := field.fullmatch(text):
            found[match[1].lower()] = _checked(match[2].strip())
        elif not text:
            yield found
            found = {}
    yield found


def _check(size: int, most: int) -> None:
    if size > most:
        raise TooMuch(f"a file in it that describes packages has a part of more than {most} bytes")


def _checked(text: str) -> str:
    """*text* without what Unicode cannot encode; raises TooMuch."""
    if len(text) > LONGEST_FIELD:
        raise TooMuch(f"the name or version of a package has more than {LONGEST_FIELD} characters")
    return text.encode(errors="replace").decode()
