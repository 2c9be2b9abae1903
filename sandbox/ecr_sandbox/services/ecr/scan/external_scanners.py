"""trivy or grype instead of our own matching.

``ECR_SANDBOX_SCANNER=trivy`` (or ``grype``) in the environment of the sandbox. The program gets the image as an OCI
layout whose blobs are links to the registry's files. Sources: ``trivy image --help`` (``--input``), ``grype --help``
(``oci-dir:``) and the JSON that both print.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.manifest_format import blobs_of, digest_of
from ecr_sandbox.state import clock

from .results import Finding
from .severity import base_score, severity

ASKED_BY = "ECR_SANDBOX_SCANNER"
LONGEST = 600  # seconds
COMMANDS = {
    "trivy": ("trivy", "image", "--quiet", "--format", "json", "--scanners", "vuln", "--input", "{layout}"),
    "grype": ("grype", "--quiet", "--output", "json", "oci-dir:{layout}"),
}
# Their names of package types, and OSV's; any other type is the operating system's.
LANGUAGES = {"python-pkg": "PyPI", "node-pkg": "npm", "python": "PyPI", "npm": "npm"}


class CannotScan(Exception):
    """The configured program cannot scan the image; the message says why."""


def wanted() -> str | None:
    """The program that the environment names, or None; raises CannotScan for an unknown one."""
    name = os.environ.get(ASKED_BY, "")
    if name and name not in COMMANDS:
        raise CannotScan(f"{ASKED_BY} may be {' or '.join(COMMANDS)}, not {name}")
    return name or None


def scan(program: str, blobs: ContentStore, manifest: str, media_type: str) -> list[Finding]:
    """The findings of *program* in the image with this *manifest*; raises CannotScan."""
    if not shutil.which(program):
        raise CannotScan(f"{program} was asked for ({ASKED_BY}) and is not installed")
    with tempfile.TemporaryDirectory(prefix="ecr-sandbox-scan-") as layout:
        _lay_out(Path(layout), blobs, manifest, media_type)
        command = [word.format(layout=layout) for word in COMMANDS[program]]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise CannotScan(f"{program} did not end within {LONGEST} seconds") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise CannotScan(f"{program} failed: {last[-1]}")
    try:
        return list(READERS[program](json.loads(done.stdout)))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CannotScan(f"{program} printed what is not understood here: {error!r}") from error


def of_trivy(report: Mapping[str, Any]) -> Iterator[Finding]:
    """The findings in trivy's report (``Results[].Vulnerabilities[]``)."""
    for result in report.get("Results") or ():
        for each in result.get("Vulnerabilities") or ():
            cvss = [source.get("V3Vector", "") for source in (each.get("CVSS") or {}).values()]
            yield _finding(
                id=each["VulnerabilityID"],
                word=each.get("Severity", ""),
                vector=next(filter(None, cvss), ""),
                summary=each.get("Title") or "",
                url=each.get("PrimaryURL") or "",
                ecosystem=LANGUAGES.get(result["Type"], result["Type"]),
                package=each["PkgName"],
                version=each["InstalledVersion"],
                fixed=each.get("FixedVersion") or "",
                path=each.get("PkgPath") or "",
                layer=(each.get("Layer") or {}).get("Digest", ""),
            )


def of_grype(report: Mapping[str, Any]) -> Iterator[Finding]:
    """The findings in grype's report (``matches[]``)."""
    for match in report.get("matches") or ():
        about, artifact = match["vulnerability"], match["artifact"]
        place: Mapping[str, str] = next(iter(artifact.get("locations") or ()), {})
        vectors = [cvss["vector"] for cvss in about.get("cvss") or ()]
        yield _finding(
            id=about["id"],
            word=about.get("severity", ""),
            vector=next((each for each in vectors if each.startswith("CVSS:3")), ""),
            summary=about.get("description") or "",
            url=about.get("dataSource") or "",
            ecosystem=LANGUAGES.get(artifact["type"], artifact["type"]),
            package=artifact["name"],
            version=artifact["version"],
            fixed=next(iter((about.get("fix") or {}).get("versions") or ()), ""),
            path=place.get("path", ""),
            layer=place.get("layerID", ""),
        )


READERS: dict[str, Callable[[Mapping[str, Any]], Iterable[Finding]]] = {"trivy": of_trivy, "grype": of_grype}


def _finding(word: str, vector: str, **facts: Any) -> Finding:
    return Finding(
        **facts,
        related=(),
        severity=severity(word, vector),
        vendor_severity=word,
        vector=vector,
        score=base_score(vector),
        published=None,
        modified=None,
        arch="",
        first_seen=clock.now(),
    )


def _lay_out(layout: Path, blobs: ContentStore, manifest: str, media_type: str) -> None:
    """An OCI image layout of one image (OCI image-spec, "Image Layout Specification")."""
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True)
    for digest, _ in blobs_of(manifest):
        (folder / digest.partition(":")[2]).symlink_to(blobs.path(digest).absolute())
    digest = digest_of(manifest.encode())
    (folder / digest.partition(":")[2]).write_text(manifest)
    about = {"mediaType": media_type, "digest": digest, "size": len(manifest.encode())}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [about]}))
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
