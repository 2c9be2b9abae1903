"""The process that scans one image: it reads the layers, and compares what it finds with the advisories.

It gets a request, one line of JSON, on its standard input: ``layers`` (pairs of digest and file) or the ``inventory``
of an earlier scan, the folder of the ``advisories``, whether to ``compare`` them, and whether ``only_system`` packages.
It prints an answer, JSON too: ``inventory``, ``dated`` and ``mark`` of the advisories, and with *compare* the
``findings`` and the numbers ``looked_at`` and ``unknown``; or one of ``too_much``, ``unreadable`` and ``error``.
``process.py`` starts it, with the seconds of processor time that it may use as argument.

It imports neither moto nor boto3, so that it starts in a tenth of a second. It ends when its standard input does, so it
does not outlive a sandbox that is killed.
"""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from . import layers, limits
from .advisories import load
from .match import Found, match
from .packages import Inventory, inventory, is_of_system, want
from .severity import base_score, severity


def main() -> None:
    """Answer one request."""
    _limit(int(sys.argv[1]))
    request = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_the_sandbox, daemon=True).start()
    sys.stdout.write(_answer(request))
    sys.stdout.flush()
    os._exit(0)  # the thread still reads


def _answer(request: bytes) -> str:
    try:
        return json.dumps(scan(**json.loads(request)))
    except limits.TooMuch as error:
        return json.dumps({"too_much": f"{error}"})
    except (MemoryError, RecursionError):
        return json.dumps({"too_much": "it needs more memory than a scan may use"})
    except layers.Unreadable as error:
        return json.dumps({"unreadable": f"{error}"})
    except Exception as error:
        traceback.print_exc()
        return json.dumps({"error": f"{error}" or type(error).__name__})


def scan(
    layers: Iterable[tuple[str, str]],
    inventory: dict[str, Any] | None,
    advisories: str,
    compare: bool,
    only_system: bool,
) -> dict[str, Any]:
    """The answer to a request, whose fields are the parameters. Raises TooMuch and Unreadable."""
    has = Inventory.of(inventory) if inventory else _inventory(layers)
    snapshot = load(Path(advisories))
    answer = {"inventory": asdict(has), "dated": snapshot.dated, "mark": snapshot.mark}
    if not (compare and has.platform):
        return answer
    outcome = match((p for p in has.packages if not only_system or is_of_system(p.ecosystem)), snapshot)
    findings = [_finding(each) for each in outcome.found]
    return answer | {"findings": findings, "looked_at": outcome.looked_at, "unknown": outcome.unknown}


def _inventory(files: Iterable[tuple[str, str]]) -> Inventory:
    return inventory(layers.read(((digest, _opened(digest, file)) for digest, file in files), want))


def _opened(digest: str, file: str) -> BinaryIO:
    try:
        return Path(file).open("rb", buffering=0)
    except FileNotFoundError:
        raise layers.Unreadable(f"the layer {digest} is not there") from None


def _finding(found: Found) -> dict[str, Any]:
    """The fields of ``results.Finding``, without ``first_seen``."""
    advisory, package = found.advisory, found.package
    return {
        "id": advisory.name,
        "related": [each for each in (advisory.id, *advisory.aliases) if each != advisory.name],
        "summary": advisory.summary,
        "severity": severity(advisory.severity, advisory.vector),
        "vendor_severity": advisory.severity,
        "vector": advisory.vector,
        "score": base_score(advisory.vector),
        "url": advisory.url,
        "published": advisory.published,
        "modified": advisory.modified,
        "ecosystem": package.ecosystem,
        "package": package.name,
        "version": package.version,
        "fixed": found.fixed,
        "path": package.path,
        "layer": package.layer,
        "arch": package.arch,
    }


def _limit(cpu_seconds: int) -> None:
    """Limit what this process may use: memory and processor time."""
    for name, most in (
        ("RLIMIT_DATA", limits.MEMORY),
        ("RLIMIT_AS", 2 * limits.MEMORY),  # with the files that are mapped, such as libraries
        ("RLIMIT_CORE", 0),
    ):
        with suppress(AttributeError, ValueError, OSError):  # not on this system, or the limit is lower already
            resource.setrlimit(getattr(resource, name), (most, most))
    with suppress(ValueError, OSError):  # at the first limit the system sends SIGXCPU, at the second SIGKILL
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    for ended in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # sent to all processes when the sandbox stops
        signal.signal(ended, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(10)  # the sandbox's answers come first


def _end_with_the_sandbox() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
