"""Gets newer advisories from OSV, for the packages seen in images and those of the current snapshot.

Only the names of packages are sent. Source: https://google.github.io/osv.dev/api/, POST /v1/querybatch and
GET /v1/vulns/{id}.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from ecr_sandbox.errors import SandboxError
from ecr_sandbox.state.atomic_files import write_whole

from .advisories import Name, folder, load, refreshed
from .packages import canonical

OSV = "https://api.osv.dev"
AT_A_TIME = 1000  # queries in one request, the most that OSV takes
AT_ONCE = 8  # advisories fetched in parallel
PATIENCE = 60  # seconds for one answer
KEPT = ("id", "aliases", "upstream", "summary", "severity", "published", "modified", "withdrawn", "database_specific")
LIMITS = "What OSV knows, of the packages that the sandbox had seen on that day."


def refresh(seen: Iterable[Name], state: Path | None = None, osv: str = OSV) -> tuple[int, int]:
    """Query OSV for the packages *seen* and those of the current snapshot.

    Returns the number of packages and of advisories. They are written to the *state* folder when all have arrived.
    Raises SandboxError.
    """
    names = sorted({(ecosystem, canonical(ecosystem, name)) for ecosystem, name in seen} | load(folder(state)).covers)
    try:
        with requests.Session() as session, ThreadPoolExecutor(AT_ONCE) as pool:
            found = sorted(_ids(session, osv, names))
            vulns = list(pool.map(lambda each: _answer(session.get, f"{osv}/v1/vulns/{each}"), found))
        content = _snapshot(names, [_kept(each, set(names)) for each in vulns])
    except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SandboxError(
            f"OSV did not return its advisories ({type(error).__name__}).",
            "try again with internet; nothing was changed",
        ) from error
    where = refreshed(state) / "osv.json"
    where.parent.mkdir(parents=True, exist_ok=True)
    write_whole(where, json.dumps(content))
    return len(names), len(vulns)


def _ids(session: requests.Session, osv: str, names: list[Name]) -> set[str]:
    """The ids of every advisory on one of the packages; OSV gives long lists in pages."""
    found: set[str] = set()
    queries: list[dict[str, Any]] = [{"package": {"ecosystem": each[0], "name": each[1]}} for each in names]
    while queries:
        some, rest = queries[:AT_A_TIME], queries[AT_A_TIME:]
        results = _answer(session.post, f"{osv}/v1/querybatch", json={"queries": some})["results"]
        for query, result in zip(some, results, strict=True):
            found |= {each["id"] for each in result.get("vulns", ())}
            if token := result.get("next_page_token"):
                rest.append({**query, "page_token": token})
        queries = rest
    return found


def _answer(ask: Callable[..., requests.Response], url: str, **more: Any) -> Any:
    answer = ask(url, timeout=PATIENCE, **more)
    answer.raise_for_status()
    return answer.json()


def _kept(vuln: dict[str, Any], names: set[Name]) -> dict[str, Any]:
    """The fields of an advisory that are used, for the requested packages only."""
    about = {name: vuln[name] for name in KEPT if name in vuln}
    about.setdefault("summary", next(_lines(vuln.get("details", "")), ""))
    references = [each for each in vuln.get("references", ()) if each.get("type") == "ADVISORY"][:1]
    affected = [each for each in vuln.get("affected", ()) if _name(each) in names]
    return {**about, "references": references, "affected": affected}


def _name(affected: dict[str, Any]) -> Name:
    package = affected.get("package") or {}
    ecosystem = str(package.get("ecosystem", ""))
    return ecosystem, canonical(ecosystem, str(package.get("name", "")))


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _snapshot(names: Iterable[Name], vulns: list[dict[str, Any]]) -> dict[str, Any]:
    covers: dict[str, list[str]] = {}
    for ecosystem, name in names:
        covers.setdefault(ecosystem, []).append(name)
    day = datetime.now(UTC).isoformat(timespec="seconds")
    return {"date": day, "source": "OSV (https://osv.dev)", "limits": LIMITS, "covers": covers, "vulns": vulns}
