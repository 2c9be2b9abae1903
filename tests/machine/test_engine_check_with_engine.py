"""The check with a real engine that loses its bridge, its firewall rules, and its disk space.

The engine has its own network and disk; the machine's engine is not touched.
Sources: docker/for-linux#312 (the bridge is gone) and moby/moby#16816 (the rules are gone), both fixed by a restart.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from machine.project import ROOT
from tests.sandbox.virtual_machine import NEEDS, VirtualMachine, running, until

pytestmark = NEEDS
RESTART = "Fix: sudo "
CHECK = """
from machine import engine_check
try:
    engine_check.check()
except engine_check.Offline:
    print("offline")
except engine_check.Broken as broken:
    print(broken)
else:
    print("works")
"""


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    with running(tmp_path_factory.mktemp("vm")) as machine:
        yield machine


def check(vm: VirtualMachine) -> str:
    """What the check finds, run inside the machine, because a published port answers only there."""
    program = [sys.executable, "-c", CHECK]
    environ = os.environ | {"DOCKER_HOST": vm.host, "DOCKER_CONFIG": str(vm.config), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(vm.inside(program), env=environ, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr
    left = vm.docker("ps --all --quiet") + vm.docker("images --quiet --filter reference=learn-ecr-check-*")
    assert not left.strip(), "the check removes what it made"
    return done.stdout.strip()


def restart(vm: VirtualMachine) -> None:
    before = vm.run("cat /run/docker.pid")
    vm.run(f"kill {before}")
    until(lambda: vm.run("cat /run/docker.pid || true") not in ("", before) and vm.answers())


def test_an_engine_without_internet_builds_runs_and_publishes(vm):
    assert check(vm) == "offline"


def test_an_engine_without_its_bridge_is_broken_until_it_restarts(vm):
    vm.run("ip link delete docker0")
    found = check(vm)
    assert found.startswith("The engine cannot run a build step (")
    assert "docker0" in found
    assert RESTART in found
    restart(vm)
    assert check(vm) == "offline"


def test_an_engine_without_its_firewall_rules_is_broken_until_it_restarts(vm):
    vm.run("iptables --table nat --flush && iptables --table nat --delete-chain")
    found = check(vm)
    assert found.startswith("The engine cannot start a container (")
    assert "No chain/target/match by that name" in found
    assert RESTART in found
    restart(vm)
    assert check(vm) == "offline"


def test_an_engine_without_disk_space_shows_what_frees_some(vm):
    data = vm.folder / "data"
    used = int(vm.run(f"df --output=used --block-size=1 {data}").split()[1])
    vm.run(f"mount -o remount,size={used} {data}")
    try:
        assert check(vm).endswith("no space left on device). Fix: docker system prune, which removes what is unused")
    finally:
        vm.run(f"mount -o remount,size=2G {data}")
    assert check(vm) == "offline"
