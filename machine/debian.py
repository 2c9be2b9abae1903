"""Installs packages on Debian and its derivatives."""

import os
from collections.abc import Mapping

from machine.commands import as_root, find, last_lines, run
from machine.say import Stop, say

QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def can_install() -> bool:
    """Whether this system has apt."""
    return find("apt-get") is not None


def install(packages: Mapping[str, str]) -> None:
    """Print and install `packages` (name → purpose); Stop with the command to run if root is missing."""
    if not packages:
        return
    wanted = "\n".join(f"  {name:<16} {purpose}" for name, purpose in packages.items())
    root = as_root()
    if root is None:
        raise Stop(
            f"Missing on this machine:\n{wanted}\n"
            f"Installing them needs root. Run this, then the same make again:\n    {manual_command(packages)}"
        )
    say(f"Installing Debian packages{' with sudo' if root else ''}:\n{wanted}")
    # An outdated list may be enough, so a failed update is ignored.
    run([*root, "apt-get", "update", "-qq"])
    # `env`, because sudo drops the variables that it does not know.
    quietly = [f"{name}={value}" for name, value in QUIET.items()]
    got = run([*root, "env", *quietly, "apt-get", "install", "-qq", "--no-install-recommends", *packages])
    if got.returncode:
        raise Stop(f"apt-get could not install {' '.join(packages)}:\n{last_lines(got.stdout + got.stderr)}")


def manual_command(packages: Mapping[str, str]) -> str:
    """The command with which the user installs `packages`."""
    names = " ".join(packages)
    return f"sudo apt-get update && sudo apt-get install --no-install-recommends {names}"


def has_systemd() -> bool:
    """Whether systemd runs the services here."""
    return os.path.isdir("/run/systemd/system")
