"""Converts the output of `docker save` to an OCI image layout with gzip-compressed layers, and adds layers to one."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import IO, Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
# The first bytes of compressed layers, which engines with the containerd store save.
COMPRESSED = {b"\x1f\x8b": "+gzip", b"\x28\xb5": "+zstd"}
CHUNK = 1 << 20


def write(saved: Path, layout: Path, tag: str, annotations: dict[str, str]) -> None:
    """Write the one image of the `docker save` file `saved` to the folder `layout`, completely or not at all."""
    new = layout.with_name(layout.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    blobs = new / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    with tarfile.open(saved) as tar:
        # The formats of all engine versions (before and since 25) have this file.
        (image,) = json.load(_member(tar, "manifest.json"))
        facts = json.load(_member(tar, image["Config"]))
        manifest = _keep_json(
            blobs,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                # The same content in another format, which changes the image id. If the engine had an image with this
                # id, a pull would skip the layers, and the engine would not record that the mirror has them.
                "config": _keep(blobs, json.dumps(facts, indent=1).encode(), CONFIG),
                "layers": [_keep_layer(blobs, _member(tar, name)) for name in image["Layers"]],
            },
        )
    manifest["platform"] = {"os": facts["os"], "architecture": facts["architecture"]}
    manifest["annotations"] = {"org.opencontainers.image.ref.name": tag, **annotations}
    (new / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}, indent=2))
    (new / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    shutil.rmtree(layout, ignore_errors=True)
    new.rename(layout)


def add_layer(layout: Path, layer: bytes, comment: str) -> None:
    """Put the uncompressed tar file `layer` on top of the one image in `layout`."""
    blobs = layout / "blobs" / "sha256"
    index = json.loads((layout / "index.json").read_text())
    (was,) = index["manifests"]
    manifest = json.loads(_blob(blobs, was).read_text())
    config = json.loads(_blob(blobs, manifest["config"]).read_text())
    config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
    config.setdefault("history", []).append({"created": config.get("created"), "comment": comment})
    _blob(blobs, manifest["config"]).unlink()
    _blob(blobs, was).unlink()
    manifest["config"] = _keep(blobs, json.dumps(config, indent=1).encode(), manifest["config"]["mediaType"])
    manifest["layers"].append(_keep_layer(blobs, io.BytesIO(layer)))
    was.update(_keep_json(blobs, manifest))
    (layout / "index.json").write_text(json.dumps(index, indent=2))


def annotation(layout: Path, name: str) -> str:
    """The annotation `name` of the image in `layout`; empty if there is no annotation or no layout."""
    try:
        return json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"][name]
    except (OSError, ValueError, LookupError):
        return ""


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)  # follows the links that old engines write for repeated layers
    assert file, name
    return file


def _blob(blobs: Path, described: dict[str, Any]) -> Path:
    return blobs / described["digest"].removeprefix("sha256:")


def _keep(blobs: Path, content: bytes, media_type: str) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _keep_json(blobs: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    return _keep(blobs, json.dumps(manifest, indent=2).encode(), MANIFEST)


def _keep_layer(blobs: Path, layer: IO[bytes]) -> dict[str, Any]:
    new = blobs / "new"
    compression = COMPRESSED.get(layer.read(2))
    layer.seek(0)
    with new.open("wb") as out:
        if compression:
            shutil.copyfileobj(layer, out, CHUNK)
        else:
            # Without a name and a time, so that equal layers have equal digests.
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=out, mtime=0) as zipped:
                shutil.copyfileobj(layer, zipped, CHUNK)
    with new.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = new.stat().st_size
    new.rename(blobs / digest)
    return {"mediaType": LAYER + (compression or "+gzip"), "digest": f"sha256:{digest}", "size": size}
