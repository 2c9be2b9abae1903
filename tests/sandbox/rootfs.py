"""Small images for the scan tests: the files of an operating system that list its packages."""

import tarfile
from io import BytesIO
from typing import Any

from tests.sandbox import api

DEBIAN = b'ID=debian\nVERSION_ID="12"\n'
OLD_PCRE = "10.42-1"  # from Debian 12; the fixed version is in its security suite
NEW_PCRE = "10.42-1+deb12u2"
CVE = "CVE-2026-103111"
ZLIB, UNFIXED = "1:1.2.13.dfsg-1", "CVE-2023-45853"  # Debian 12 has no fixed version


def dpkg(name: str = "libpcre2-8-0", version: str = OLD_PCRE, source: str = "pcre2") -> bytes:
    """A stanza of dpkg's status file."""
    return f"Package: {name}\nStatus: install ok installed\nSource: {source}\nVersion: {version}\n\n".encode()


def debian(*stanzas: bytes, **more: bytes) -> dict[str, bytes]:
    """The files of Debian 12 with these packages, and *more* files. ``__`` in a name stands for ``/``."""
    files = {"etc/os-release": DEBIAN, "var/lib/dpkg/status": b"".join(stanzas)}
    return files | {name.replace("__", "/"): content for name, content in more.items()}


def python(name: str, version: str) -> dict[str, bytes]:
    """The metadata file of an installed Python package."""
    path = f"usr/local/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"
    return {path: f"Name: {name}\nVersion: {version}\n".encode()}


def npm(name: str, version: str) -> dict[str, bytes]:
    """The package.json of an installed npm package."""
    return {f"app/node_modules/{name}/package.json": f'{{"name": "{name}", "version": "{version}"}}'.encode()}


def layer(files: dict[str, bytes]) -> bytes:
    """A layer with these files."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    return archive.getvalue()


def push(ecr: Any, repository: str, tag: str, *contents: dict[str, bytes]) -> str:
    """Push an image with a layer for each of *contents*; its digest."""
    layers = tuple(map(layer, contents))
    for each in (b"{}", *layers):
        try:
            api.upload(ecr, repository, each)
        except ecr.exceptions.LayerAlreadyExistsException:
            continue
    return api.put(ecr, repository, api.manifest(layers=layers, annotations={"tag": tag}), tag)
