"""Adds Python packages to the base image, and pip's configuration that takes these and asks no package index.

    python3 add_packages.py LAYOUT PACKAGES

LAYOUT is the folder of the image's OCI layout, PACKAGES a folder of wheels. So the Dockerfiles of the notebooks work
unchanged where no package index is reached. A Dockerfile with `ENV PIP_NO_INDEX=0` asks the index again.
"""

import io
import sys
import tarfile
from pathlib import Path

from machine import oci_layout

FOLDER = "/opt/python-packages"
CONFIGURATION = f"[global]\nno-index = true\nfind-links = {FOLDER}\ndisable-pip-version-check = true\n"


def main(layout: Path, packages: Path) -> None:
    """Put the layer on top of the image in *layout*. Equal wheels make equal layers."""
    files = {f"{FOLDER[1:]}/{wheel.name}": wheel.read_bytes() for wheel in sorted(packages.glob("*.whl"))}
    files["etc/pip.conf"] = CONFIGURATION.encode()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    oci_layout.add_layer(layout, layer.getvalue(), "Python packages for builds without a package index")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
