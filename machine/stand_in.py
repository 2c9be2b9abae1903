"""Builds a stand-in for the official slim Python image from Debian packages, for networks without Docker Hub."""

import os
import subprocess
from pathlib import Path

from machine import debian
from machine.commands import as_root, find, last_lines, run
from machine.say import Stop, say

LABEL = "learn-amazon-ecr.stand-in"
SUITE = "bookworm"
INCLUDE = "usr-is-merged,python3,python3-venv,ca-certificates"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")

# pip and python have the same names and paths as in the official image, and pip can install packages.
INSIDE = """
cd /usr/share/python-wheels
python3 "$(echo pip-*.whl)/pip" install --quiet --no-index --no-deps ./pip-*.whl
rm /usr/lib/python3*/EXTERNALLY-MANAGED
ln -s python3 /usr/bin/python
rm -f /etc/resolv.conf /etc/hostname
"""
CLEAN_ENV = "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore"


def build(name: str, log: Path) -> None:
    """Build the image and import it as `name`; Stop with the end of `log` if it fails."""
    if not find("mmdebstrap"):
        debian.install({"mmdebstrap": "builds the stand-in image", "debian-archive-keyring": "checks its packages"})
    say("Building a stand-in for it from Debian packages: about a minute, once")
    root = as_root()
    bundle = host_bundle()
    tar = log.with_suffix(".tar")
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tar.open("wb") as out, log.open("wb") as errors:
            code = subprocess.run(command(root, bundle), stdin=subprocess.DEVNULL, stdout=out, stderr=errors).returncode
        if code:
            raise Stop(f"The stand-in could not be built:\n{last_lines(log.read_text(errors='replace'))}")
        changes = [word for change in config(bundle) for word in ("--change", change)]
        got = run(["docker", "import", *changes, str(tar), name])
        if got.returncode:
            raise Stop(f"The engine did not load the stand-in:\n{last_lines(got.stderr)}")
    finally:
        tar.unlink(missing_ok=True)


def host_bundle() -> str | None:
    """The CA certificates of this machine, including company ones, which pip needs during a build."""
    for path in (os.environ.get("SSL_CERT_FILE"), BUNDLE):
        if path and Path(path).is_file():
            return path
    return None


def command(root: list[str] | None, bundle: str | None) -> list[str]:
    """The mmdebstrap command that writes the file system as a tar to standard output."""
    argv = [
        *(root or []),
        "mmdebstrap",
        "--mode=unshare" if root is None else "--mode=root",
        "--variant=apt",
        f"--include={INCLUDE}",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        '--aptopt=APT::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
        f"--customize-hook={CLEAN_ENV} chroot \"$1\" sh -ec '{INSIDE}'",
    ]
    if bundle:
        argv.append(f"--customize-hook=upload {bundle} {BUNDLE}")
    return [*argv, "--format=tar", SUITE, "-"]


def config(bundle: str | None) -> list[str]:
    """The configuration of the official image, as Dockerfile instructions."""
    trust = [f"ENV SSL_CERT_FILE={BUNDLE}", f"ENV PIP_CERT={BUNDLE}"] if bundle else []
    return [
        "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV LANG=C.UTF-8",
        *trust,
        f"LABEL {LABEL}=true",
        'CMD ["python3"]',
    ]
