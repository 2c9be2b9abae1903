"""The output of `docker save` becomes an OCI image layout, in every format of the engine."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from machine import oci_layout

LAYERS = [b"first layer" * 1000, b"second layer" * 1000]
CONFIG = json.dumps({"os": "linux", "architecture": "arm64", "rootfs": {"type": "layers"}}).encode()


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type = tarfile.SYMTYPE
    member.linkname = target
    tar.addfile(member)


def save(path, kind: str):
    """A file as `docker save` writes it: engine 20 (legacy), 25 (oci), with the containerd store (zipped)."""
    with tarfile.open(path, "w") as tar:
        if kind == "legacy":
            names = ["config.json", "a/layer.tar", "b/layer.tar", "c/layer.tar"]
            add(tar, names[0], CONFIG)
            add(tar, names[1], LAYERS[0])
            add(tar, names[2], LAYERS[1])
            link(tar, names[3], "../a/layer.tar")
        else:
            layers = [gzip.compress(layer, mtime=5) if kind == "zipped" else layer for layer in LAYERS]
            blobs = [CONFIG, *layers]
            names = [f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}" for blob in blobs]
            for name, blob in zip(names, blobs, strict=True):
                add(tar, name, blob)
            names.append(names[1])
            add(tar, "oci-layout", b"{}")
        manifest = [{"Config": names[0], "RepoTags": ["base:1"], "Layers": names[1:]}]
        add(tar, "manifest.json", json.dumps(manifest).encode())
    return path


def blob(layout, descriptor) -> bytes:
    """The blob that `descriptor` names, its digest and size checked."""
    algorithm, digest = descriptor["digest"].split(":")
    content = (layout / "blobs" / algorithm / digest).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    assert len(content) == descriptor["size"]
    return content


@pytest.mark.parametrize("kind", ["legacy", "oci", "zipped"])
def test_every_save_format_gives_a_complete_layout(tmp_path, kind):
    layout = tmp_path / "layout"
    oci_layout.write(save(tmp_path / "saved.tar", kind), layout, "1.0", {"from": "here"})
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert entry["platform"] == {"os": "linux", "architecture": "arm64"}
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.0", "from": "here"}
    manifest = json.loads(blob(layout, entry))
    assert manifest["mediaType"] == entry["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    config = blob(layout, manifest["config"])
    assert json.loads(config) == json.loads(CONFIG)
    assert config != CONFIG  # the mirror's image must have another id than the engine's
    if kind != "zipped":  # compressed by us, without a time, which would change the digest
        assert {blob(layout, layer)[4:8] for layer in manifest["layers"]} == {bytes(4)}
    assert [gzip.decompress(blob(layout, layer)) for layer in manifest["layers"]] == [*LAYERS, LAYERS[0]]
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    kept = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    named = [entry, manifest["config"], *manifest["layers"]]
    assert kept == {descriptor["digest"].split(":")[1] for descriptor in named}


def test_an_added_layer_is_on_top_and_the_layout_stays_complete(tmp_path):
    layout, saved = tmp_path / "layout", tmp_path / "saved.tar"
    config = json.dumps({"os": "linux", "architecture": "arm64", "rootfs": {"diff_ids": ["a", "b", "a"]}}).encode()
    with tarfile.open(save(saved, "legacy"), "a") as tar:
        add(tar, "config.json", config)
    oci_layout.write(saved, layout, "1.0", {"from": "here"})
    oci_layout.add_layer(layout, b"third layer", "why")
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.0", "from": "here"}
    manifest = json.loads(blob(layout, entry))
    assert [gzip.decompress(blob(layout, layer)) for layer in manifest["layers"]][2:] == [LAYERS[0], b"third layer"]
    config = json.loads(blob(layout, manifest["config"]))
    assert config["rootfs"]["diff_ids"][3:] == [f"sha256:{hashlib.sha256(b'third layer').hexdigest()}"]
    assert [step["comment"] for step in config["history"]] == ["why"]
    kept = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    named = [entry, manifest["config"], *manifest["layers"]]
    assert kept == {descriptor["digest"].split(":")[1] for descriptor in named}


def test_the_same_image_gives_the_same_digest(tmp_path):
    digests = set()
    for name in ("one", "two"):
        oci_layout.write(save(tmp_path / f"{name}.tar", "legacy"), tmp_path / name, "1.0", {})
        digests.add((tmp_path / name / "index.json").read_text())
    assert len(digests) == 1


def test_a_new_image_replaces_the_old_one(tmp_path):
    layout = tmp_path / "layout"
    oci_layout.write(save(tmp_path / "saved.tar", "legacy"), layout, "1.0", {"id": "old"})
    oci_layout.write(tmp_path / "saved.tar", layout, "1.0", {"id": "new"})
    assert oci_layout.annotation(layout, "id") == "new"


def test_a_failed_write_keeps_the_old_layout(tmp_path):
    layout = tmp_path / "layout"
    saved = save(tmp_path / "saved.tar", "legacy")
    oci_layout.write(saved, layout, "1.0", {"id": "old"})
    before = sorted(path.name for path in layout.rglob("*"))
    broken = tmp_path / "broken.tar"
    with tarfile.open(broken, "w") as tar:
        add(tar, "manifest.json", json.dumps([{"Config": "gone", "Layers": []}]).encode())
    with pytest.raises(KeyError):
        oci_layout.write(broken, layout, "1.0", {"id": "new"})
    assert sorted(path.name for path in layout.rglob("*")) == before
    assert oci_layout.annotation(layout, "id") == "old"


def test_a_missing_layout_has_no_annotation(tmp_path):
    assert oci_layout.annotation(tmp_path, "id") == ""
