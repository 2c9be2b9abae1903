"""The base image in the course's image has the packages of the lessons, and pip takes these."""

import configparser
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile

import pytest

from machine.project import ROOT


@pytest.fixture
def layout(tmp_path):
    """An OCI layout of an image without layers."""
    folder = tmp_path / "layout"
    (folder / "blobs" / "sha256").mkdir(parents=True)
    config = keep(folder, {"rootfs": {"type": "layers", "diff_ids": []}})
    manifest = keep(folder, {"config": config, "layers": []})
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    return folder


def keep(folder, content: dict) -> dict:
    text = json.dumps(content).encode()
    digest = hashlib.sha256(text).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(text)
    return {"mediaType": "application/json", "digest": f"sha256:{digest}", "size": len(text)}


def blob(folder, described: dict) -> bytes:
    return (folder / "blobs" / "sha256" / described["digest"].removeprefix("sha256:")).read_bytes()


def test_pip_finds_the_wheels_and_asks_no_index(layout, tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "flask-3.1.3-py3-none-any.whl").write_bytes(b"a wheel")
    argv = [sys.executable, ROOT / "deploy" / "add_packages.py", layout, tmp_path / "packages"]
    subprocess.run(argv, env={"PYTHONPATH": str(ROOT)}, check=True)
    manifest = json.loads(blob(layout, json.loads((layout / "index.json").read_text())["manifests"][0]))
    (layer,) = [gzip.decompress(blob(layout, each)) for each in manifest["layers"]]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    pip = configparser.ConfigParser()
    pip.read_string(files.pop("etc/pip.conf").decode())
    assert pip.getboolean("global", "no-index")
    assert files == {f"{pip['global']['find-links'][1:]}/flask-3.1.3-py3-none-any.whl": b"a wheel"}
