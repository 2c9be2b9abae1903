"""The scan job: it reads an image's packages, matches them with the advisories, and stores the findings."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from ecr_sandbox.registry import events
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.events import Inspected, Scanned
from ecr_sandbox.registry.references import Key
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from . import advisories, external_scanners, layers, results
from .advisories import Snapshot
from .match import Found, Outcome, match
from .packages import Inventory, inventory, is_of_system, want
from .results import Finding, Scan
from .rules import BASIC, LAYERS
from .severity import ORDER, base_score, severity

# containers-roadmap #2644, #2193 of aws-observability/aws-otel-collector, and many logs
NO_SYSTEM = "UnsupportedImageError: The operating system and/or package manager are not supported."


class Scanner:
    """Runs the jobs; *blobs* has the layers."""

    def __init__(self, store: Store, blobs: ContentStore):
        self._store, self._blobs = store, blobs
        self._snapshot: Snapshot | None = None

    def scan(self, what: dict[str, Any]) -> None:
        """Scan the image with the id ``what["image"]``; ``what["type"]`` is BASIC or ENHANCED. Raises OSError."""
        image = self._store.read().execute("SELECT * FROM images WHERE id = ?", (what["image"],)).fetchone()
        scan = results.of_image(self._store, what["image"], what["type"])
        if image is None or scan is None:  # it has been deleted
            return
        try:
            outcome = self._outcome(image, scan)
        except layers.TooLarge as error:
            outcome = {"status": results.TOO_LARGE, "description": f"The image was not scanned: {error}."}
        except (layers.Unreadable, external_scanners.CannotScan) as error:
            outcome = {"status": results.FAILED, "description": f"The image could not be scanned: {error}."}
        except Exception as error:
            self._settle(image, scan, {"status": results.FAILED, "description": f"The scan failed: {error}"})
            raise
        self._settle(image, scan, outcome)

    def _outcome(self, image: Any, scan: Scan) -> dict[str, Any]:
        snapshot, has = self._advisories(), self._inventory(image)
        if not has.platform:
            status = results.FAILED if scan.type == BASIC else results.UNSUPPORTED
            return {"status": status, "description": NO_SYSTEM, "findings": [], "platform": ""}
        if program := external_scanners.wanted():
            about = (image["manifest"], image["media_type"])
            reported, remark = external_scanners.scan(program, self._blobs, *about), f"Scanned by {program}."
            found = [each for each in reported if scan.type != BASIC or is_of_system(each.ecosystem)]
        else:
            outcome = match((p for p in has.packages if scan.type != BASIC or is_of_system(p.ecosystem)), snapshot)
            found, remark = [_finding(each) for each in outcome.found], _remark(outcome, snapshot)
        status, description = results.settled(scan.type, scan.frequency)
        return {
            "status": status,
            "description": f"{description} {remark}",
            "completed": clock.now(),
            "dated": snapshot.dated,
            "mark": snapshot.mark,
            "platform": has.platform,
            "findings": _in_order(_since(found, scan)),
        }

    def _settle(self, image: Any, scan: Scan, outcome: dict[str, Any]) -> None:
        with self._store.change() as db:
            before = results.of_image(self._store, scan.image, scan.type)
            results.end(db, scan.image, scan.type, outcome)
            settled = results.of_image(self._store, scan.image, scan.type)
            if settled is None:  # the image has been deleted
                return
            tags = db.execute("SELECT tag FROM tags WHERE image = ? ORDER BY tag", (scan.image,)).fetchall()
            where = (image["account"], image["region"], image["repository"], image["digest"], None)
            result = (*where, tuple(row["tag"] for row in tags), settled.status, settled.severities)
            first = before is None or before.completed is None
            events.publish(Scanned(*result) if scan.type == BASIC else Inspected(*result, first))

    def _advisories(self) -> Snapshot:
        if self._snapshot is None or self._snapshot.mark != advisories.mark():
            self._snapshot = advisories.load()
        return self._snapshot

    def _inventory(self, image: Any) -> Inventory:
        """The inventory of the image, which is read once, because an image never changes."""
        sought = (image["id"],)
        row = self._store.read().execute("SELECT content FROM inventories WHERE image = ?", sought).fetchone()
        if row:
            return Inventory.of_json(row["content"])
        has = inventory(layers.read(self._layers(image), want))
        with self._store.change(sync=False) as db, suppress(sqlite3.IntegrityError):  # it has been deleted
            db.execute("INSERT OR REPLACE INTO inventories VALUES (?, ?)", (*sought, has.as_json()))
        return has

    def _layers(self, image: Any) -> Iterator[tuple[str, BinaryIO]]:
        for layer in json.loads(image["manifest"])["layers"]:
            if str(layer.get("mediaType")).startswith(LAYERS):
                digest = layer["digest"]
                try:
                    yield digest, self._blobs.open(_key(image), digest)
                except FileNotFoundError:
                    raise layers.Unreadable(f"the layer {digest} is not there") from None


def _key(image: Any) -> Key:
    return image["account"], image["region"], image["repository"]


def _finding(found: Found) -> Finding:
    advisory, package = found.advisory, found.package
    return Finding(
        id=advisory.name,
        related=tuple(each for each in (advisory.id, *advisory.aliases) if each != advisory.name),
        summary=advisory.summary,
        severity=severity(advisory.severity, advisory.vector),
        vendor_severity=advisory.severity,
        vector=advisory.vector,
        score=base_score(advisory.vector),
        url=advisory.url,
        published=advisory.published,
        modified=advisory.modified,
        ecosystem=package.ecosystem,
        package=package.name,
        version=package.version,
        fixed=found.fixed,
        path=package.path,
        layer=package.layer,
        arch=package.arch,
        first_seen=clock.now(),
    )


def _since(found: Iterable[Finding], scan: Scan) -> list[Finding]:
    """The findings, each with the time when a scan first found it."""
    before = {(each.id, each.package, each.version, each.path): each.first_seen for each in scan.findings}
    return [
        replace(each, first_seen=before.get((each.id, each.package, each.version, each.path), each.first_seen))
        for each in found
    ]


def _in_order(found: Iterable[Finding]) -> list[Finding]:
    """Sorted by severity, highest first."""
    return sorted(found, key=lambda each: (ORDER.index(each.severity), each.package, each.id, each.path))


def _remark(outcome: Outcome, snapshot: Snapshot) -> str:
    """The limits of the result, appended to AWS's sentence: AWS has no field for them."""
    day = datetime.fromtimestamp(snapshot.dated, UTC)
    compared = f"{outcome.looked_at} packages were compared with the advisories of {day:%Y-%m-%d}"
    return f"{compared}; of {outcome.unknown} of them nothing is known here." if outcome.unknown else f"{compared}."
