"""The engine starts only where its rights end with the pod."""

import os
import subprocess
import sys

import pytest

from machine.project import ROOT

PROGRAM = [sys.executable, str(ROOT / "deploy" / "preflight.py")]
BOTH = "Name:\tsh\nCapEff:\t00000000a82435fb\n"  # Docker's default capabilities, SYS_ADMIN and NET_ADMIN
DEFAULT = "CapEff:\t00000000a80425fb\n"

POD = "         0   65536000      65536\n"
HOST = "         0          0 4294967295\n"


@pytest.mark.parametrize(
    ("uid_map", "safe"),
    [
        (POD, True),
        (HOST, False),
        ("0 0 1\n1 100000 65535\n", False),  # only root is real
        ("0 1000 1\n1 100000 65536\n", True),  # rootless: root is the user who started it
        ("1000 0 1\n", False),  # another user inside is root outside
        ("", False),  # not written yet
    ],
)
def test_it_starts_only_if_no_user_inside_is_root_outside(preflight, uid_map, safe):
    found = preflight.problems(uid_map, BOTH, cgroup_is_writable=True)
    assert found == ([] if safe else [preflight.REAL_ROOT])


def test_real_root_is_allowed_to_who_says_so(preflight):
    assert preflight.problems(HOST, BOTH, cgroup_is_writable=True, allow_real_root=True) == []


def test_each_problem_has_a_fix(preflight):
    found = preflight.problems(HOST, DEFAULT, cgroup_is_writable=False)
    assert len(found) == 3
    assert all(" Fix: " in problem for problem in found)
    assert "SYS_ADMIN and NET_ADMIN" in found[1]
    assert "cgroup_writable = true" in found[2]


def test_one_missing_capability_is_named(preflight):
    (problem,) = preflight.problems(POD, "CapEff:\t0000000000200000\n", cgroup_is_writable=True)
    assert "lacks the capabilities NET_ADMIN." in problem


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be root")
def test_root_of_this_machine_is_refused_and_not_in_a_user_namespace():
    here = subprocess.run(PROGRAM, capture_output=True, text=True)
    assert here.returncode == 1
    assert "root in this container is root of the machine" in here.stderr
    same = ["unshare", "--user", "--map-root-user", *PROGRAM]
    if (inside := subprocess.run(same, capture_output=True, text=True)).returncode not in (0, 1):
        pytest.skip(f"no user namespace here: {inside.stderr}")
    assert "is root of the machine" in inside.stderr  # mapped to user 0 outside
    other = ["setpriv", "--reuid", "65534", "--clear-groups", *same]
    inside = subprocess.run(other, capture_output=True, text=True)
    assert "is root of the machine" not in inside.stderr
    assert "lacks" not in inside.stderr  # in its own namespace it has every capability
