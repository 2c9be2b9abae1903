"""The operating system and the packages of an image, from the files of package managers.

Debian's and Ubuntu's are in dpkg's status file (of distroless images, one file a package in ``status.d``); advisories
name *source* packages, whose name and version are there too if they differ (Debian policy, 5.6.1). Alpine's are
in apk's database, whose ``o:`` is the origin. Python's are in each package's METADATA (or PKG-INFO of an egg), npm's in
each ``package.json`` below ``node_modules``.
"""

import email.parser
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any

from .layers import Kept, Make, Tree

RELEASE = ("etc/os-release", "usr/lib/os-release")
DPKG, DPKG_PARTS = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
PYTHON = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
LANGUAGES = ("PyPI", "npm")
NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+/package\.json")
MOST_OF_A_LIST = 32 << 20  # bytes of dpkg's status or apk's database
MOST_OF_A_FILE = 1 << 20  # bytes of a file about one package


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

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Inventory":
        content = json.loads(text)
        return cls(content["platform"], tuple(Package(**each) for each in content["packages"]))


def want(path: str) -> Make | None:
    """How to read the file at *path* in an image; see ``layers.Want``."""
    if path in (*RELEASE, DPKG, *APK) or (path.startswith(DPKG_PARTS) and not path.endswith(".md5sums")):
        return lambda file: file.read(MOST_OF_A_LIST)
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
    text = next((files[path].content.decode(errors="replace") for path in RELEASE if path in files), "")
    fields = dict(re.findall(r"""^([A-Z_]+)=["']?([^"'\n]*)["']?$""", text, re.M))
    system, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    numbers = version.split(".")
    if system == "debian" and version:
        return f"DEBIAN_{numbers[0]}", f"Debian:{numbers[0]}"
    if system == "ubuntu" and len(numbers) > 1:
        support = ":LTS" if "LTS" in fields.get("VERSION", "") else ""  # OSV schema, "Defined ecosystems"
        return f"UBUNTU_{numbers[0]}_{numbers[1]}", f"Ubuntu:{version}{support}"
    if system == "alpine" and len(numbers) > 1:
        return f"ALPINE_LINUX_{numbers[0]}_{numbers[1]}", f"Alpine:v{numbers[0]}.{numbers[1]}"
    return "", ""


def _of_system(files: Mapping[str, Kept], ecosystem: str) -> Iterator[Package]:
    for path, kept in files.items():
        if ecosystem.startswith(("Debian", "Ubuntu")) and (path == DPKG or path.startswith(DPKG_PARTS)):
            yield from _dpkg(ecosystem, path, kept)
        elif ecosystem.startswith("Alpine") and path in APK:
            yield from _apk(ecosystem, path, kept)


def _dpkg(ecosystem: str, path: str, kept: Kept) -> Iterator[Package]:
    for fields in _stanzas(kept.content, re.compile(r"(Package|Version|Source|Status|Architecture): *(.+)")):
        name, version = fields.get("Package"), fields.get("Version")
        # a removed package may leave its configuration; distroless writes no status
        if name and version and fields.get("Status", "installed").endswith("installed"):
            source, _, given = fields.get("Source", name).partition(" ")
            source_version = given.strip("()") or version
            arch = fields.get("Architecture", "")
            yield Package(ecosystem, name, version, source, source_version, path, kept.layer, arch)


def _apk(ecosystem: str, path: str, kept: Kept) -> Iterator[Package]:
    for fields in _stanzas(kept.content, re.compile(r"([PVoA]):(.+)")):
        if "P" in fields and "V" in fields:
            name, version = fields["P"], fields["V"]
            source = fields.get("o", name)
            yield Package(ecosystem, name, version, source, version, path, kept.layer, fields.get("A", ""))


def _of_languages(files: Mapping[str, Kept]) -> Iterator[Package]:
    for path, kept in files.items():
        ecosystem = "PyPI" if PYTHON.fullmatch(path) else "npm" if NPM.fullmatch(path) else ""
        if ecosystem:
            name, version = kept.content
            source = canonical(ecosystem, name)
            yield Package(ecosystem, name, version, source, version, path, kept.layer)


def _stanzas(content: bytes, line: re.Pattern[str]) -> Iterator[dict[str, str]]:
    """The fields that *line* matches, of each block between empty lines."""
    for block in re.split(r"\n[ \t]*\n", content.decode(errors="replace")):
        found = (line.fullmatch(each) for each in block.splitlines())
        yield {each[1]: each[2].strip() for each in found if each}


def _python(file: IO[bytes]) -> tuple[str, str] | None:
    """Name and version of a Python package (Core metadata specifications: headers as in a mail)."""
    head = io.TextIOWrapper(io.BytesIO(file.read(MOST_OF_A_FILE)), errors="replace")
    fields = email.parser.HeaderParser().parse(head, headersonly=True)
    return _both(fields.get("Name"), fields.get("Version"))


def _npm(file: IO[bytes]) -> tuple[str, str] | None:
    try:
        fields = json.loads(file.read(MOST_OF_A_FILE))
    except (ValueError, RecursionError):
        return None
    return _both(fields.get("name"), fields.get("version")) if isinstance(fields, dict) else None


def _both(name: Any, version: Any) -> tuple[str, str] | None:
    return (name, version) if isinstance(name, str) and isinstance(version, str) and name and version else None
