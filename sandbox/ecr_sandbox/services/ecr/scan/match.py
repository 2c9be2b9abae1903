"""The packages of an image that advisories affect: rules over plain data.

Source: OSV schema, "Evaluation" (https://ossf.github.io/osv-schema/#evaluation).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import limits
from .advisories import Advisory, Snapshot
from .limits import Budget
from .packages import Package
from .versions import Key, key


@dataclass(frozen=True)
class Found:
    """*advisory* affects *package*; *fixed* is the first version that is not affected, or empty."""

    package: Package
    advisory: Advisory
    fixed: str


@dataclass(frozen=True)
class Outcome:
    """The findings, and the number of packages that the advisories do not cover: they are not called safe."""

    found: tuple[Found, ...]
    looked_at: int
    unknown: int


def match(packages: Iterable[Package], snapshot: Snapshot) -> Outcome:
    """Match *packages* with the *snapshot*; a vulnerability with two names is found once. Raises TooMuch."""
    found: dict[tuple[Package, str], Found] = {}
    findings = Budget(limits.FINDINGS, "findings")
    looked_at = unknown = 0
    for package in packages:
        looked_at += 1
        try:
            version = key(package.ecosystem, package.source_version)
        except ValueError:  # it cannot be compared
            unknown += 1
            continue
        known = snapshot.covered(package.ecosystem, package.source)
        for advisory in snapshot.of_package.get((package.ecosystem, package.source), ()):
            affected, fixed = affects(advisory, version, package.source_version)
            known = known and affected is not None
            if affected and (package, advisory.name) not in found:
                findings.spend(1)
                found[package, advisory.name] = Found(package, advisory, fixed)
        unknown += not known
    return Outcome(tuple(found.values()), looked_at, unknown)


def affects(advisory: Advisory, version: Key, text: str) -> tuple[bool | None, str]:
    """Whether *advisory* affects the version *text*, whose sort key is *version*, and the first fixed version after it.

    None if a range has invalid versions, so that it cannot be decided.
    """
    otherwise: bool | None = False
    for events in advisory.ranges:
        try:
            in_order = sorted(_placed(advisory.ecosystem, events))
        except ValueError:
            otherwise = None
            continue
        if _within(in_order, version):
            later = [fixed for place, kind, fixed in in_order if kind == FIXED and place > (1, version)]
            return True, later[0] if later else ""
    return text in advisory.versions or otherwise, ""


# At the same version, a begin comes before an end.
INTRODUCED, FIXED, LAST = range(3)
Event = tuple[tuple[int, Key], int, str]  # sort key, kind, version


def _placed(ecosystem: str, events: Iterable[Mapping[str, str]]) -> Iterable[Event]:
    kinds = {"introduced": INTRODUCED, "fixed": FIXED, "last_affected": LAST}
    for event in events:
        for name, version in event.items():
            if name in kinds:  # a "limit" is one of git's
                place = (0, ()) if version == "0" else (1, key(ecosystem, version))
                yield place, kinds[name], version


def _within(events: Iterable[Event], version: Key) -> bool:
    affected = False
    for place, kind, _ in events:
        if kind == LAST:
            affected = affected and (1, version) <= place
        elif (1, version) >= place:
            affected = kind == INTRODUCED
    return affected
