"""The scan job: it reads an image's packages, matches them with the advisories, and stores the findings.

A scan that takes long is stopped and becomes a job of another kind, so that many of them hold up no other image.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ecr_sandbox.registry import events
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.events import Inspected, Scanned
from ecr_sandbox.registry.references import Key
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from . import advisories, external_scanners, limits, process, results
from .layers import Unreadable
from .limits import TooMuch
from .packages import is_of_system
from .results import Finding, Scan
from .rules import BASIC, LAYERS
from .severity import ORDER

# containers-roadmap #2644, #2193 of aws-observability/aws-otel-collector, and many logs
NO_SYSTEM = "UnsupportedImageError: The operating system and/or package manager are not supported."


class Scanner:
    """Runs the jobs; *blobs* has the layers. *put_off* adds the job of a scan that takes long."""

    def __init__(self, store: Store, blobs: ContentStore, put_off: Callable[..., object]):
        self._store, self._blobs, self._put_off = store, blobs, put_off

    def scan(self, what: dict[str, Any]) -> None:
        """Scan the image with the id ``what["image"]``; ``what["type"]`` is BASIC or ENHANCED.

        Raises OSError and Failed.
        """
        self._scan(what, limits.FIRST_CPU_SECONDS)

    def scan_slowly(self, what: dict[str, Any]) -> None:
        """Like ``scan``, with all the time that a scan may use."""
        self._scan(what, limits.CPU_SECONDS)

    def _scan(self, what: dict[str, Any], cpu_seconds: int) -> None:
        if (found := self._find(what)) is None:  # it has been deleted
            return
        image, scan = found
        try:
            outcome = self._outcome(image, scan, cpu_seconds)
        except TooMuch as error:
            if isinstance(error, process.TooSlow) and cpu_seconds < limits.CPU_SECONDS:
                self._put_off(**what)
                return
            outcome = _unsupported(scan, f"{NO_SYSTEM} It was not scanned here: {error}.")
        except (Unreadable, external_scanners.CannotScan) as error:
            outcome = {"status": results.FAILED, "description": f"The image could not be scanned: {error}."}
        except Exception as error:
            self._settle(image, scan, {"status": results.FAILED, "description": f"The scan failed: {error}"})
            raise
        self._settle(image, scan, outcome)

    def give_up(self, what: dict[str, Any]) -> None:
        """End a scan that was interrupted too often."""
        found = self._find(what)
        if found and found[1].status == results.IN_PROGRESS:
            self._settle(*found, _unsupported(found[1], NO_SYSTEM))

    def _find(self, what: dict[str, Any]) -> tuple[Any, Scan] | None:
        image = self._store.read().execute("SELECT * FROM images WHERE id = ?", (what["image"],)).fetchone()
        scan = results.of_image(self._store, what["image"], what["type"])
        return (image, scan) if image and scan else None

    def _outcome(self, image: Any, scan: Scan, cpu_seconds: int) -> dict[str, Any]:
        program = external_scanners.wanted()
        answer = self._run(image, scan, cpu_seconds, compare=not program)
        platform = answer["inventory"]["platform"]
        if not platform:
            return _unsupported(scan, NO_SYSTEM)
        if program:
            about = (image["manifest"], image["media_type"])
            reported, remark = external_scanners.scan(program, self._blobs, *about), f"Scanned by {program}."
            found = [each for each in reported if scan.type != BASIC or is_of_system(each.ecosystem)]
        else:
            now = clock.now()
            found = [
                Finding(**{**each, "related": tuple(each["related"])}, first_seen=now) for each in answer["findings"]
            ]
            remark = _remark(answer)
        status, description = results.settled(scan.type, scan.frequency)
        return {
            "status": status,
            "description": f"{description} {remark}",
            "completed": clock.now(),
            "dated": answer["dated"],
            "mark": answer["mark"],
            "platform": platform,
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

    def _run(self, image: Any, scan: Scan, cpu_seconds: int, compare: bool) -> dict[str, Any]:
        """The answer of the scan's process. The layers are read once, because an image never changes."""
        sought = (image["id"],)
        row = self._store.read().execute("SELECT content FROM inventories WHERE image = ?", sought).fetchone()
        answer = process.scan(
            cpu_seconds,
            layers=[] if row else self._layers(image),
            inventory=json.loads(row["content"]) if row else None,
            advisories=str(advisories.folder()),
            compare=compare,
            only_system=scan.type == BASIC,
        )
        if not row:
            with self._store.change(sync=False) as db, suppress(sqlite3.IntegrityError):  # it has been deleted
                content = json.dumps(answer["inventory"])
                db.execute("INSERT OR REPLACE INTO inventories VALUES (?, ?)", (*sought, content))
        return answer

    def _layers(self, image: Any) -> list[tuple[str, str]]:
        """Digest and file of each layer; raises Unreadable."""
        found = []
        for layer in json.loads(image["manifest"])["layers"]:
            if str(layer.get("mediaType")).startswith(LAYERS):
                digest = layer["digest"]
                if self._blobs.size(_key(image), digest) is None:
                    raise Unreadable(f"the layer {digest} is not there")
                found.append((digest, str(self._blobs.path(digest).absolute())))
        return found


def _key(image: Any) -> Key:
    return image["account"], image["region"], image["repository"]


def _unsupported(scan: Scan, description: str) -> dict[str, Any]:
    status = results.FAILED if scan.type == BASIC else results.UNSUPPORTED
    return {"status": status, "description": description, "findings": [], "platform": ""}


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


def _remark(answer: Mapping[str, Any]) -> str:
    """The limits of the result, appended to AWS's sentence: AWS has no field for them."""
    day = datetime.fromtimestamp(answer["dated"], UTC)
    compared = f"{answer['looked_at']} packages were compared with the advisories of {day:%Y-%m-%d}"
    unknown = answer["unknown"]
    return f"{compared}; of {unknown} of them nothing is known here." if unknown else f"{compared}."
