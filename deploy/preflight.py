#!/usr/bin/env python3
"""Refuses to start a Docker engine in a container where its rights would be those of the host's root.

In a user namespace the capabilities SYS_ADMIN and NET_ADMIN count for the pod's own mounts and network only. Without
one they count for the whole machine. Older versions of Kubernetes and containerd ignore `hostUsers: false` silently,
so the container itself looks. Sources: user_namespaces(7), capabilities(7), proc(5), and containerd's
docs/user-namespaces/README.md.

`--allow-real-root` is for a machine on which everyone who uses the engine may be root, as in compose.yaml.
"""

import os
import sys
from pathlib import Path

ALLOW = "--allow-real-root"
NEEDED = {"SYS_ADMIN": 21, "NET_ADMIN": 12}  # the numbers of linux/capability.h
REAL_ROOT = (
    "root in this container is root of the machine: /proc/self/uid_map maps user 0 to user 0. "
    "Fix: set `hostUsers: false` in the pod, on Kubernetes 1.33 or newer with containerd 2.0 or CRI-O 1.25, "
    "or use the runtime class of Sysbox"
)


class Mapping:
    """The lines of a uid_map, each with the first ID inside, the first ID outside, and the count."""

    def __init__(self, text: str):
        self.ranges = [tuple(map(int, line.split())) for line in text.splitlines() if line.strip()]

    def has_real_root(self) -> bool:
        """Whether any user inside is user 0 outside, or nothing is known."""
        return not self.ranges or any(outside == 0 for _, outside, _ in self.ranges)


def capabilities(status: str) -> int:
    """The effective capabilities in the text of /proc/self/status, as a bit mask."""
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))


def problems(uid_map: str, status: str, cgroup_is_writable: bool, allow_real_root: bool = False) -> list[str]:
    """Why the engine must not start, or cannot, each with the fix; an empty list if it may start."""
    found = []
    if Mapping(uid_map).has_real_root() and not allow_real_root:
        found.append(REAL_ROOT)
    effective = capabilities(status)
    if missing := [name for name, bit in NEEDED.items() if not effective >> bit & 1]:
        found.append(
            f"the container lacks the capabilities {' and '.join(missing)}. "
            "Fix: add them in `securityContext.capabilities.add`"
        )
    if not cgroup_is_writable:
        found.append(
            "/sys/fs/cgroup is read-only, so the engine cannot start containers. Fix: use a runtime class whose "
            "handler in containerd 2.1 or newer has `cgroup_writable = true`"
        )
    return found


def main(arguments: list[str]) -> int:
    """Print each problem, and return the exit code: 1 if there is one."""
    found = problems(
        Path("/proc/self/uid_map").read_text(),
        Path("/proc/self/status").read_text(),
        os.access("/sys/fs/cgroup", os.W_OK),
        ALLOW in arguments,
    )
    for problem in found:
        print(f"The Docker engine was not started, because {problem}.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
