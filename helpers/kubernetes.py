"""Validates Kubernetes manifests against Kubernetes' own schema, without a cluster or a download.

``data/kubernetes.json`` names its source and date; it has the kinds that the course writes.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "data" / "kubernetes.json"


def faults(manifest: Mapping[str, Any]) -> list[str]:
    """The errors in *manifest*, each as ``"path: why"``; empty if it is valid.

    ValueError for a kind that the data file does not have.
    """
    import jsonschema_rs

    kind = str(manifest.get("kind"))
    if kind not in _data()["kinds"]:
        raise ValueError(f"The schema of kind {kind!r} is not here: only {', '.join(_data()['kinds'])}.")
    schema = {**_data()["kinds"][kind], "$defs": _data()["$defs"]}
    missing = [f"{name}: is missing" for name in ("apiVersion", "metadata") if not manifest.get(name)]
    found = jsonschema_rs.Draft202012Validator(schema).iter_errors(manifest)
    return missing + sorted(f"{'.'.join(map(str, each.instance_path)) or kind}: {each.message}" for each in found)


def version() -> str:
    """The version of Kubernetes that the schema is from."""
    return str(_data()["version"])


@cache
def _data() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))
