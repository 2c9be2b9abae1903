"""Validates Kubernetes manifests against Kubernetes' own schema, without a cluster or a download.

``data/kubernetes.json`` names its source and date; it has the kinds that the course writes.
"""

from collections.abc import Mapping
from typing import Any

from helpers.course import data


def faults(manifest: Mapping[str, Any]) -> list[str]:
    """The errors in *manifest*, each as ``"path: why"``; empty if it is valid.

    ValueError for a kind that the data file does not have.
    """
    import jsonschema_rs

    kind = str(manifest.get("kind"))
    schemas = data("kubernetes.json")
    if kind not in schemas["kinds"]:
        raise ValueError(f"There is no schema for kind {kind!r}, only for {', '.join(schemas['kinds'])}.")
    schema = {**schemas["kinds"][kind], "$defs": schemas["$defs"]}
    missing = [f"{name}: is missing" for name in ("apiVersion", "metadata") if not manifest.get(name)]
    found = jsonschema_rs.Draft202012Validator(schema).iter_errors(manifest)
    return missing + sorted(f"{'.'.join(map(str, each.instance_path)) or kind}: {each.message}" for each in found)


def version() -> str:
    """The version of Kubernetes that the schema is from."""
    return str(data("kubernetes.json")["version"])
