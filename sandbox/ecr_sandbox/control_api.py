"""The sandbox's own API under ``/_sandbox``, which ``ecr-sandbox`` and the course's notebooks use.

GET  /_sandbox               what this sandbox is: its address, ports, process, versions. It needs no key.

Everything else needs the key in the state folder, as ``Authorization: Bearer <key>`` (auth/control_key.py):

POST /_sandbox/gc            delete layers that no image uses; ``?idle=`` is the age of an abandoned push in seconds
GET  /_sandbox/clock         the time; POST with ``{"forward": seconds}`` moves it forward first
GET  /_sandbox/advisories    the packages that scans found; POST: the advisories have changed
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.auth import control_key
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.registry import garbage_collection
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.services.ecr.scan import results
from ecr_sandbox.services.ecr.scan.triggers import Scans
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store


class ControlApi:
    """Answers over the sandbox's parts; *folder* is its state folder, with the answer to ``/_sandbox`` and the key."""

    def __init__(self, store: Store, blobs: ContentStore, scans: Scans, folder: Path):
        self._store, self._blobs, self._scans, self._folder = store, blobs, scans, folder
        control_key.authorization(folder)  # makes the key, so that clients find it
        self._operations: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("POST", "/_sandbox/gc"): self._collect_garbage,
            ("GET", "/_sandbox/clock"): self._time,
            ("POST", "/_sandbox/clock"): self._advance_clock,
            ("GET", "/_sandbox/advisories"): self._packages,
            ("POST", "/_sandbox/advisories"): self._advisories_changed,
        }

    def answer(self, request: Request) -> Response | None:
        """The answer, or None for a request that is not one of this API."""
        if request.path == "/_sandbox":
            return self._status()
        operation = self._operations.get((request.method, request.path))
        if operation and not control_key.is_valid(request.headers.get("Authorization", ""), self._folder):
            message = f"This needs the header Authorization: Bearer, with the key in {control_key.FILE} (state folder)."
            return _json({"message": message}, 401, {"WWW-Authenticate": "Bearer"})  # RFC 6750, section 3
        return operation(request) if operation else None

    def _status(self) -> Response:
        status = json.loads((self._folder / "sandbox.json").read_text())
        return _json({name: value for name, value in status.items() if name != "state"})  # a path may name a person

    def _collect_garbage(self, request: Request) -> Response:
        idle = request.args.get("idle", garbage_collection.IDLE, type=float)
        database = self._store.path
        put_aside = sorted(each.name for each in database.parent.glob(f"{database.name}.unreadable-*"))
        if put_aside:  # images in such a file may need every layer
            return _json({"put_aside": put_aside})
        return _json(asdict(garbage_collection.collect(self._store, self._blobs, idle)))

    def _advance_clock(self, request: Request) -> Response:
        try:
            clock.forward(self._store, float(json.loads(request.get_data())["forward"]))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            return _json({"message": f"The clock was not moved: {error}"}, 400)
        return self._time(request)

    def _time(self, _: Request) -> Response:
        return _json({"now": clock.now(), "ahead": clock.ahead()})

    def _advisories_changed(self, request: Request) -> Response:
        self._scans.advisories_changed()
        return self._packages(request)

    def _packages(self, _: Request) -> Response:
        return _json({"packages": sorted(results.packages(self._store))})


def _json(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status=status, headers=headers, content_type="application/json")
