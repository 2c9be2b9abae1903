"""A command runs with the newer engine; where that is not possible, with this machine's own, and the reason is said."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from machine import base_image, clean, clients, newer_engine, private_machine
from machine.project import ROOT, base_image_layout
from tests.machine.test_private_machine import WHY_NOT, processes

LACKING = [program for program in newer_engine.PROGRAMS if not clients.find(program)]
needs_it = pytest.mark.skipif(
    bool(WHY_NOT or LACKING or not base_image_layout().is_dir()),
    reason=f"no newer engine here: {WHY_NOT or (LACKING or ['the base image'])[0] + ' is missing'}",
)


@pytest.fixture
def cache(machine, monkeypatch):
    """A machine on which each part of the newer engine is there; nothing of it starts."""
    folder = newer_engine.DATA
    for name in ("LOG", "REFUSED"):
        monkeypatch.setattr(newer_engine, name, folder / getattr(newer_engine, name).name)
    monkeypatch.setattr(newer_engine, "base_image_layout", lambda: machine.root)
    monkeypatch.setattr(newer_engine, "PROGRAMS", ())
    monkeypatch.setattr(private_machine, "check", lambda: None)
    monkeypatch.setattr(newer_engine, "_remove_cgroups", lambda: None)
    machine.has("a-test", "exit 3")
    return folder


def test_a_command_runs_with_the_own_engine_if_there_is_no_private_machine(cache, machine, monkeypatch, capfd):
    def refuse():
        raise private_machine.Unavailable("it needs root")

    monkeypatch.setattr(private_machine, "check", refuse)
    assert newer_engine.main(["a-test", "-x"]) == 3
    assert machine.calls() == ["a-test -x"]
    assert capfd.readouterr().err == (
        "The newer Docker engine cannot be used (it needs root); this machine's own engine is used instead.\n"
    )


@pytest.mark.parametrize("part", ["program", "base image", "engine"])
def test_the_part_that_is_missing_is_named(cache, machine, monkeypatch, capfd, part):
    def start(_):
        newer_engine.REFUSED.write_text("iptables is missing")
        return 1

    if part == "program":
        monkeypatch.setattr(newer_engine, "PROGRAMS", ("newer-dockerd",))
        monkeypatch.setattr(clients, "CLIENTS", machine.root / "no clients")
    if part == "base image":
        monkeypatch.setattr(newer_engine, "base_image_layout", lambda: machine.root / "missing")
    monkeypatch.setattr(private_machine, "start", start)
    assert newer_engine.main(["a-test"]) == 3
    expected = {
        "program": "newer-dockerd could not be fetched",
        "base image": "make setup has saved no copy of the base image",
        "engine": "iptables is missing",
    }
    assert f"({expected[part]});" in capfd.readouterr().err


def test_a_user_with_sudo_keeps_path_home_and_identity(cache, machine, monkeypatch):
    machine.is_user(1000)
    machine.lets_sudo()
    monkeypatch.setenv("HOME", "/home/learner")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getgid", lambda: 1001)
    machine.has("sudo", "exit 5")
    monkeypatch.setattr(newer_engine, "as_root", lambda: ["sudo", "-n"])
    assert newer_engine.main(["a-test"]) == 5
    assert machine.calls() == [
        f"sudo -n -E env PATH={machine.bin} HOME=/home/learner "
        f"{sys.executable} -m machine.newer_engine --user 1000:1001 a-test"
    ]


def test_the_users_engine_and_context_are_not_used(cache, monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"currentContext": "far", "credsStore": "x", "proxies": {"default": {"httpProxy": "http://p:1"}}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(clients, "find", lambda program: f"/fetched/{program}")
    environment = newer_engine._environment()
    configuration = Path(environment["DOCKER_CONFIG"])
    assert json.loads((configuration / "config.json").read_text()) == {
        "proxies": {"default": {"httpProxy": "http://p:1"}}
    }
    assert os.readlink(configuration / "cli-plugins" / "docker-buildx") == "/fetched/docker-buildx"
    assert environment["PATH"].split(":")[1:3] == [str(folder) for folder in clients.newer_folders()]


@pytest.mark.parametrize(("works", "expected"), [("iptables", "iptables"), ("iptables-legacy", "iptables-legacy")])
def test_the_iptables_that_works_is_used(machine, monkeypatch, works, expected):
    monkeypatch.setattr(newer_engine, "PROGRAM_FOLDER", machine.root / "programs")
    for name in ("iptables", "iptables-nft", "iptables-legacy"):
        machine.has(name, f"[ {name} = {works} ]")
    newer_engine._use_working_iptables()
    assert (machine.root / "programs" / "iptables").resolve().name == expected


def test_without_iptables_the_reason_is_given(machine):
    with pytest.raises(newer_engine.Stop, match="iptables is missing"):
        newer_engine._use_working_iptables()


def test_clean_removes_the_data_of_the_engine_as_root(cache, machine, monkeypatch):
    monkeypatch.setattr(base_image, "inspect", lambda: None)
    (cache / "data").mkdir(parents=True)
    machine.has("rm", '/bin/rm "$@"')
    machine.is_user(1000)
    machine.lets_sudo()
    assert clean.main() == 0
    assert f"sudo -n rm -rf {cache}" in machine.calls("sudo")
    assert not cache.exists()


SHOW = """
docker info --format '{{.Driver}} {{json .DriverStatus}}' && docker version --format '{{.Server.Version}}'
docker buildx version
docker image inspect --format '{{.Id}}' $BASE
docker run --detach $BASE sleep 765432 > /dev/null
exit 9
"""


@needs_it
def test_docker_is_the_newer_one_and_nothing_is_left():
    firewall = rules()
    got = subprocess.run(
        [sys.executable, "-m", "machine.newer_engine", "sh", "-c", SHOW],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"BASE": base_image.NAME, "DOCKER_HOST": "tcp://far.example:2375", "DOCKER_BUILDKIT": "0"},
    )
    assert got.returncode == 9, got.stderr
    store, version, buildx, identity = got.stdout.splitlines()
    assert "io.containerd.snapshotter.v1" in store
    assert int(version.split(".")[0]) >= 28
    assert "buildx" in buildx
    (manifest,) = json.loads((base_image_layout() / "index.json").read_text())["manifests"]
    assert identity == manifest["digest"]

    assert processes("765432") + processes(str(newer_engine.DATA)) == []
    assert [*newer_engine.CGROUPS.glob(f"**/{newer_engine.CGROUP}")] == []
    assert rules() == firewall


CONTAINER = re.compile(r"/32|--to-destination")


def rules() -> list[str]:
    """The firewall's rules for Docker's networks; without those of single containers, which other tests run."""
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True).stdout
    added = [line for line in saved.splitlines() if line.startswith("-A") and "172.1" in line]
    return [line for line in added if not CONTAINER.search(line)]
