"""Which version of a Debian package fixed which CVE, from the changelogs in the packages themselves, in OSV's form.

    mkdir debs && cd debs && apt-get download $(dpkg-query -W -f '${Package}\\n')
    python -m machine.debian_advisories 12 debs/*.deb

on a machine with that release of Debian writes ``sandbox/ecr_sandbox/data/advisories/debian-12.json`` again. Changelogs
contain no severities: those in the existing file are kept, with the summaries; they come from the CVE list.
"""

import datetime
import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from machine.project import ROOT

FOLDER = ROOT / "sandbox" / "ecr_sandbox" / "data" / "advisories"
ENTRY = re.compile(r"^(\S+) \(([^)]+)\) [^;]+;.*?\n(.*?)^ -- .*?> +(.*?)$", re.M | re.S)
CVE = re.compile(r"CVE-\d{4}-\d{4,}")
CHANGELOG = re.compile(r"\./usr/share/doc/[^/]+/changelog(\.Debian)?(\.gz)?")  # native packages have changelog.gz
LOOKED_UP = ("summary", "severity")
LIMITS = (
    "Only what a Debian changelog says was fixed in this release. A vulnerability whose fix does not name its CVE is "
    "not in it; some without a fix are in debian-12-unfixed.json. A severity is there where it was looked up, in the "
    "CVE list. The words are this project's."
)


def main(release: str, files: Iterable[Path]) -> None:
    """Write the snapshot for Debian *release* from the packages in *files*."""
    target = FOLDER / f"debian-{release}.json"
    known = {each["id"]: {name: each[name] for name in LOOKED_UP if name in each} for each in _old(target)}
    changelogs = dict(filter(None, map(changelog, files)))
    vulns = [vuln for source, text in sorted(changelogs.items()) for vuln in fixed(release, source, text)]
    for vuln in vulns:
        vuln |= known.get(vuln["id"], {})
    write(target, {f"Debian:{release}": sorted(changelogs)}, "the changelogs of Debian's packages", LIMITS, vulns)


def write(target: Path, covers: dict[str, list[str]], source: str, limits: str, vulns: list[dict[str, Any]]) -> None:
    """Write a snapshot with one advisory per line, so that diffs are readable."""
    about = {"date": f"{datetime.date.today()}T00:00:00+00:00", "source": source, "limits": limits, "covers": covers}
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in vulns)
    target.write_text(f'{json.dumps(about, ensure_ascii=False, indent=1)[:-2]},\n "vulns": [\n{lines}\n]}}\n')


def changelog(file: Path) -> tuple[str, str] | None:
    """The source package of a .deb and its changelog; None if the package has no changelog of its own."""
    fields = subprocess.run(["dpkg-deb", "-f", str(file), "Package", "Source"], capture_output=True, text=True).stdout
    control = dict(line.split(": ", 1) for line in fields.splitlines())
    source = control.get("Source", control["Package"]).split()[0]
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(file)], capture_output=True, check=True).stdout
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            if member.isreg() and CHANGELOG.fullmatch(member.name):
                found[member.name] = tar.extractfile(member).read()  # type: ignore[union-attr]  # it is regular
    for name in sorted(found, key=lambda each: "Debian" not in each)[:1]:
        return source, (gzip.decompress(found[name]) if name.endswith(".gz") else found[name]).decode(errors="replace")
    return None


def fixed(release: str, source: str, text: str) -> Iterator[dict[str, Any]]:
    """The CVEs fixed by updates of *release*, each with the first fixed version.

    Updates of a stable release are known by their versions: ``…+deb12u3``, ``…~deb12u1``.
    """
    seen: dict[str, dict[str, Any]] = {}
    for name, version, changes, date in reversed(ENTRY.findall(text)):  # the oldest first
        if name != source or f"deb{release}u" not in version:
            continue
        for cve in sorted(set(CVE.findall(changes)), key=lambda each: tuple(map(int, each.split("-")[1:]))):
            if cve not in seen:
                seen[cve] = _vuln(release, source, cve, version, date)
    yield from seen.values()


def _vuln(release: str, source: str, cve: str, version: str, date: str) -> dict[str, Any]:
    day = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S %z").astimezone(datetime.UTC)
    events = [{"introduced": "0"}, {"fixed": version}]
    package = {"ecosystem": f"Debian:{release}", "name": source}
    return {
        "id": cve,
        "modified": f"{day:%Y-%m-%dT%H:%M:%S}+00:00",
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
    }


def _old(target: Path) -> list[dict[str, Any]]:
    return json.loads(target.read_text())["vulns"] if target.exists() else []


if __name__ == "__main__":
    main(sys.argv[1], map(Path, sys.argv[2:]))
