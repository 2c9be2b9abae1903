"""Known vulnerabilities of packages: a snapshot of advisories in OSV's format.

The package contains a small snapshot (``data/advisories``). ``ecr-sandbox advisories refresh`` writes a newer one to
the state folder, which is then used instead. A snapshot also says which packages it covers (*covers*): nothing is
known about others, so they are not called safe. Source: https://ossf.github.io/osv-schema/
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ecr_sandbox import settings

from .packages import canonical

SHIPPED = Path(__file__).parents[3] / "data" / "advisories"
Name = tuple[str, str]  # ecosystem and package


@dataclass(frozen=True)
class Advisory:
    """One advisory on one package: *ranges* and *versions* are its affected versions, as in OSV's format."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str  # the database's word, or empty
    vector: str  # CVSS's, or empty
    url: str
    published: float | None  # Unix time
    modified: float | None
    ecosystem: str
    package: str
    ranges: tuple[tuple[Mapping[str, str], ...], ...]  # the events of each range
    versions: frozenset[str]

    @property
    def name(self) -> str:
        """The CVE's number if it has one, as ECR and Inspector name it."""
        return next((each for each in (self.id, *self.aliases) if each.startswith("CVE-")), self.id)


@dataclass(frozen=True)
class Snapshot:
    """All advisories of one day: *dated* is that day as Unix time, *mark* identifies the snapshot."""

    dated: float
    mark: str
    of_package: Mapping[Name, tuple[Advisory, ...]]
    covers: frozenset[Name]

    def covered(self, ecosystem: str, name: str) -> bool:
        """Whether the package was looked up when the snapshot was made."""
        return (ecosystem, name) in self.covers


def refreshed(state: Path | None = None) -> Path:
    """The folder for newer advisories, in the *state* folder; without it, in that of this process's sandbox."""
    return (state or settings.from_environ().state) / "advisories"


def folder(state: Path | None = None) -> Path:
    """The folder of the advisories that scans use: the newer ones, else those of the package."""
    return refreshed(state) if any(refreshed(state).glob("*.json")) else SHIPPED


def mark(where: Path | None = None) -> str:
    """The identity of the snapshot in the folder *where*."""
    digest = hashlib.sha256()
    for path in sorted((where or folder()).glob("*.json")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(where: Path | None = None) -> Snapshot:
    """Read every file of the folder *where*; raises OSError and ValueError."""
    where = where or folder()
    contents = [json.loads(path.read_bytes()) for path in sorted(where.glob("*.json"))]
    if not contents:
        raise ValueError(f"there are no advisories in {where}")
    found: dict[Name, list[Advisory]] = {}
    for content in contents:
        for each in content["vulns"]:
            for advisory in read(each):
                found.setdefault((advisory.ecosystem, advisory.package), []).append(advisory)
    covers = {
        (ecosystem, canonical(ecosystem, name))
        for content in contents
        for ecosystem, names in content["covers"].items()
        for name in names
    }
    of_package = {name: tuple(advisories) for name, advisories in found.items()}
    dated = max(_time(content["date"]) or 0.0 for content in contents)
    return Snapshot(dated, mark(where), of_package, frozenset(covers) | of_package.keys())


def has_known_fix(vulnerability: str) -> bool | None:
    """Whether the shipped snapshot has a fixed version for a vulnerability; None if it is not in the snapshot."""
    return _known_fixes().get(vulnerability)


@cache
def _known_fixes() -> Mapping[str, bool]:
    known = [each for listed in load(SHIPPED).of_package.values() for each in listed]
    fixed = {each.name for each in known if any("fixed" in event for events in each.ranges for event in events)}
    return {each.name: each.name in fixed for each in known}


def described(state: Path | None = None) -> list[dict[str, Any]]:
    """The ``date``, ``source`` and ``limits`` of each file that scans use, and how many advisories it has."""
    contents = [json.loads(path.read_bytes()) for path in sorted(folder(state).glob("*.json"))]
    return [
        {
            **{name: each[name] for name in ("date", "source", "limits")},
            "vulns": len(each["vulns"]),
            "packages": sum(map(len, each["covers"].values())),
        }
        for each in contents
    ]


def read(vuln: Mapping[str, Any]) -> Iterable[Advisory]:
    """The advisories of one OSV record, one for each package; none if it was withdrawn."""
    if vuln.get("withdrawn"):
        return
    for affected in vuln.get("affected", ()):
        package = affected.get("package") or {}
        ecosystem = str(package.get("ecosystem", ""))
        scores = {each["type"]: each["score"] for each in affected.get("severity") or vuln.get("severity") or ()}
        ranges = [each["events"] for each in affected.get("ranges", ()) if each.get("type") in ("ECOSYSTEM", "SEMVER")]
        yield Advisory(
            id=vuln["id"],
            aliases=(*vuln.get("aliases", ()), *vuln.get("upstream", ())),
            summary=vuln.get("summary") or _first_line(vuln.get("details", "")),
            severity=_in_words(vuln, affected) or scores.get("Ubuntu", ""),  # its score is a word
            vector=scores.get("CVSS_V3") or scores.get("CVSS_V4") or "",  # a score can be computed from the first
            url=next((each["url"] for each in vuln.get("references", ()) if each["type"] in ("ADVISORY", "WEB")), ""),
            published=_time(vuln.get("published")),
            modified=_time(vuln.get("modified")),
            ecosystem=ecosystem,
            package=canonical(ecosystem, str(package.get("name", ""))),
            ranges=tuple(tuple(events) for events in ranges),
            versions=frozenset(affected.get("versions", ())),
        )


def _in_words(vuln: Mapping[str, Any], affected: Mapping[str, Any]) -> str:
    for part in (affected.get("ecosystem_specific"), affected.get("database_specific"), vuln.get("database_specific")):
        if isinstance(part, dict) and isinstance(word := part.get("severity") or part.get("urgency"), str):
            return word
    return ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


def _time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
