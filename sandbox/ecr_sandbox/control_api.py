"""The sandbox's own API under ``/_sandbox``, which ``ecr-sandbox`` and the course's notebooks use.

GET  /_sandbox               what this sandbox is: its address, ports, process, versions
POST /_sandbox/gc            delete layers that no image uses; ``?idle=`` is the age of an abandoned push in seconds
GET  /_sandbox/clock         the time; POST with ``{"forward": seconds}`` moves it forward first
GET  /_sandbox/advisories    the packages that scans found; POST: the advisories have changed
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request
from ecr_sandbox.registry import garbage_collection
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.services.ecr.scan import results
from ecr_sandbox.services.ecr.scan.triggers import Scans
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store


class ControlApi:
    """Answers over the sandbox's parts; *status_file* has the answer to ``/_sandbox``."""

    def __init__(self, store: Store, blobs: ContentStore, scans: Scans, status_file: Path):
        self._store, self._blobs, self._scans, self._status_file = store, blobs, scans, status_file

    def answer(self, request: Request) -> Response | None:
        """The answer, or None for a request that is not one of this API."""
        match request.path:
            case "/_sandbox":
                return Response(self._status_file.read_bytes(), content_type="application/json")
            case "/_sandbox/gc" if request.method == "POST":
                return self._collect_garbage(request)
            case "/_sandbox/clock":
                return self._clock(request)
            case "/_sandbox/advisories":
                return self._advisories(request)
        return None

    def _collect_garbage(self, request: Request) -> Response:
        idle = request.args.get("idle", garbage_collection.IDLE, type=float)
        database = self._store.path
        put_aside = sorted(each.name for each in database.parent.glob(f"{database.name}.unreadable-*"))
        if put_aside:  # images in such a file may need every layer
            return _json({"put_aside": put_aside})
        return _json(asdict(garbage_collection.collect(self._store, self._blobs, idle)))

    def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                clock.forward(self._store, float(json.loads(request.get_data())["forward"]))
            except (ValueError, TypeError, LookupError, RecursionError) as error:
                return _json({"message": f"The clock was not moved: {error}"}, 400)
        return _json({"now": clock.now(), "ahead": clock.ahead()})

    def _advisories(self, request: Request) -> Response:
        if request.method == "POST":
            self._scans.advisories_changed()
        return _json({"packages": sorted(results.packages(self._store))})


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
