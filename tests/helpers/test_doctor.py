"""ecr-lab doctor: each row when it is ok, and each failure with its fix."""

import json
import os
import socket
from collections import namedtuple
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

import ecr_sandbox
from ecr_sandbox import SandboxError, background
from helpers import doctor, doctor_aws, settings
from machine import aws_cli, engine_check

HOST = {"host": "unix:///var/run/docker.sock"}
NO_ENGINE = SandboxError("The Docker engine is not running.", "start it")


def shown(row) -> str:
    return doctor.line(row)


def test_the_report_of_a_healthy_machine_is_always_the_same(capsys):
    background.start(settings.sandbox())
    doctor.report()
    first = capsys.readouterr().out
    doctor.report()
    assert capsys.readouterr().out == first
    assert first.splitlines() == [
        "✔ Python          new enough",
        "✔ Docker CLI      installed",
        "✔ Docker engine   running",
        "✔ Containers      an image is built, a container runs, its port answers",
        "✔ Sandbox         running, the engine reaches it",
        "✔ Port            in use by the sandbox",
        "✔ Disk space      enough",
        "✔ Clock           right",
        "✔ AWS CLI         installed",
    ]


def test_the_report_before_the_sandbox_starts(capsys):
    rows = {row["name"]: row for row in doctor.examine()}
    assert all(row["ok"] for row in rows.values())
    assert rows["Port"]["text"] == "free"
    assert "not started yet" in rows["Sandbox"]["text"]


def test_every_row_has_the_same_keys_and_every_failure_a_fix(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for row in doctor.examine():
        assert row.keys() == {"name", "ok", "text", "detail", "fix"}
        assert row["ok"] or row["fix"]


def test_python_must_be_new_enough():
    assert shown(doctor.python_row((3, 12, 1))) == "✔ Python          3.12.1, new enough"
    assert shown(doctor.python_row((3, 10, 2))) == (
        "✗ Python          3.10.2 is too old. Fix: install Python 3.11 or newer, then make setup"
    )


def test_a_missing_docker_command_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    assert shown(doctor.docker_row()) == (
        "✗ Docker CLI      not installed. Fix: make setup (it starts the engine), or install the package "
        "docker.io, or see https://docs.docker.com/engine/install/"
    )
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    assert "install and start Docker Desktop" in shown(doctor.docker_row())


def test_the_state_of_the_engine_is_reported():
    assert shown(doctor.engine_row({**HOST, "ServerVersion": "20.10.24"})) == ("✔ Docker engine   20.10.24, running")
    assert shown(doctor.engine_row(NO_ENGINE)) == ("✗ Docker engine   The Docker engine is not running. Fix: start it")
    far = shown(doctor.engine_row({"host": "ssh://me@build.example", "ServerVersion": "1"}))
    assert far.startswith("✗ Docker engine   The Docker engine is on another machine (ssh://me@build.example)")


def test_an_engine_that_cannot_do_what_the_lessons_need_is_reported(monkeypatch):
    def check():
        raise engine_check.Broken("The engine cannot start a container (no bridge)", "sudo service docker restart")

    monkeypatch.setattr(engine_check, "check", check)
    assert shown(doctor.containers_row()) == (
        "✗ Containers      The engine cannot start a container (no bridge). Fix: sudo service docker restart"
    )
    assert not all(row["ok"] for row in doctor.examine())


def test_without_an_engine_nothing_is_built(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(engine_check, "check", lambda: pytest.fail("there is no engine"))
    assert "Containers" not in [row["name"] for row in doctor.examine()]


def test_an_engine_that_cannot_reach_the_sandbox_is_reported(monkeypatch):
    def refuse(*_):
        raise SandboxError("The Docker engine cannot reach the sandbox at localhost:1.", "do it")

    monkeypatch.setattr(ecr_sandbox, "docker_client", lambda: None)
    monkeypatch.setattr(ecr_sandbox, "make_reachable", refuse)
    status = {"port": 1, "ports": [1], "endpoint": "http://localhost:1"}
    assert shown(doctor.reach_row(HOST, status)) == (
        "✗ Sandbox         The Docker engine cannot reach the sandbox at localhost:1. Fix: do it"
    )
    monkeypatch.setattr(ecr_sandbox, "make_reachable", lambda *_: True)
    assert "http://localhost:1 (forwarded), running" in shown(doctor.reach_row(HOST, status))
    assert doctor.reach_row(NO_ENGINE, status)["ok"]


# Port ---


def test_the_port_of_the_sandbox_and_a_free_port_are_ok():
    assert shown(doctor.port_row({"port": 5055})) == "✔ Port            5055, in use by the sandbox"
    assert shown(doctor.port_row(None)) == f"✔ Port            {settings.port()}, free"


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_the_program_that_uses_the_port_is_named(port, state, address, family):
    me = f"{_comm()} (process {os.getpid()})"
    with socket.create_server((address, port), family=family):
        os.environ["ECR_TUTORIAL_PORT"] = str(port)
        assert shown(doctor.port_row(None)) == (
            f"✗ Port            {port} is taken by {me}. Fix: end that program, or ECR_TUTORIAL_PORT={port + 1}"
        )
        del os.environ["ECR_TUTORIAL_PORT"]
        (state / "ports.json").write_text(json.dumps({"sandbox": port}))
        assert shown(doctor.port_row(None)) == (
            f"✔ Port            {port} is taken by {me}, the next free one will be used"
        )


def test_the_program_that_uses_the_port_may_be_unknown(port, monkeypatch):
    monkeypatch.setattr("psutil.process_iter", lambda _: [])
    os.environ["ECR_TUTORIAL_PORT"] = str(port)
    with socket.create_server(("127.0.0.1", port)):
        assert f"✗ Port            {port} is taken by another program. " in shown(doctor.port_row(None))


def test_an_invalid_port_is_reported():
    os.environ["ECR_TUTORIAL_PORT"] = "many"
    row = doctor.port_row(None)
    assert not row["ok"]
    assert row["text"].startswith("ECR_TUTORIAL_PORT is 'many'")


def _comm() -> str:
    with open("/proc/self/comm") as comm:
        return comm.read().strip()


# Disk, clock, AWS CLI ---


@pytest.mark.parametrize("full", ["state", "engine"])
def test_a_full_disk_is_reported(monkeypatch, tmp_path, state, full):
    engine_root = tmp_path / "engine"
    engine_root.mkdir()
    low = {"state": state, "engine": engine_root}[full]
    space = namedtuple("space", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda p: space(1_228_800_000 if p == low else 4 * 10**12))
    assert shown(doctor.disk_row({"DockerRootDir": str(engine_root)})) == (
        f"✗ Disk space      only 1.2 GB free in {low}. Fix: free 2 GB (docker system prune removes what is unused)"
    )


def test_disk_space_of_a_missing_state_folder_or_a_virtual_machine_is_ok(monkeypatch, tmp_path):
    monkeypatch.setenv("ECR_TUTORIAL_STATE", str(tmp_path / "not" / "yet"))
    assert doctor.disk_row({"DockerRootDir": "/only/in/the/vm"})["ok"]
    assert doctor.disk_row(NO_ENGINE)["ok"]


def _ago(minutes: int) -> dict:
    return {"SystemTime": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()[:26] + "123Z"}


def test_a_wrong_clock_is_reported():
    assert shown(doctor.clock_row(_ago(0))).endswith(" s off, right")
    for minutes in (7, -7):
        assert shown(doctor.clock_row(_ago(minutes))).startswith(
            "✗ Clock           7 minutes away from the Docker engine's. Fix: sudo hwclock -s"
        )
    for unknown in (NO_ENGINE, {}, {"SystemTime": ""}):
        assert doctor.clock_row(unknown)["ok"]


def test_on_aws_the_clock_is_compared_with_aws(monkeypatch):
    monkeypatch.setenv("ECR_TUTORIAL_TARGET", "aws")
    monkeypatch.setattr(doctor, "_aws_time", lambda: datetime.now(UTC) + timedelta(hours=1))
    assert "✗ Clock           60 minutes away from AWS's. Fix: " in shown(doctor.clock_row(HOST))
    monkeypatch.setattr(doctor, "_aws_time", lambda: None)
    assert doctor.clock_row(HOST)["ok"]


def _cli(folder, version: str):
    program = folder / "aws"
    program.write_text(f"#!/bin/sh\necho aws-cli/{version} Python/3.13\n")
    program.chmod(0o755)
    return program


def test_version_2_of_the_aws_cli_is_shown_with_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "version_2", lambda: _cli(tmp_path, "2.38.5"))
    assert shown(doctor.aws_cli_row()) == f"✔ AWS CLI         2.38.5 ({tmp_path}/aws), installed"


def test_version_1_is_shown_with_the_way_to_version_2(tmp_path, monkeypatch):
    monkeypatch.setenv("ECR_TUTORIAL_AWS_CLI", "1")
    monkeypatch.setattr(ecr_sandbox, "venv_bin", lambda: tmp_path)
    _cli(tmp_path, "1.46.3")
    assert shown(doctor.aws_cli_row()) == (
        f"✔ AWS CLI         1.46.3 ({tmp_path}/aws); for version 2, install it from {aws_cli.GUIDE}, "
        "then run make setup, installed"
    )


def test_an_old_version_2_of_the_aws_cli_is_reported(tmp_path, monkeypatch):
    """The learner's own may have been replaced after make setup chose it."""
    monkeypatch.setattr(settings, "version_2", lambda: _cli(tmp_path, "2.9.1"))
    assert shown(doctor.aws_cli_row()) == f"✗ AWS CLI         2.9.1 is too old. Fix: {aws_cli.ADVICE}"


def test_the_aws_cli_must_be_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "version_2", lambda: None)
    monkeypatch.setattr(ecr_sandbox, "venv_bin", lambda: tmp_path)
    assert shown(doctor.aws_cli_row()) == "✗ AWS CLI         not installed. Fix: make setup"


# AWS ---


@pytest.fixture
def aws(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECR_TUTORIAL_TARGET", "aws")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(doctor, "_aws_time", lambda: datetime.now(UTC))
    with mock_aws():
        yield


def test_on_aws_the_account_is_checked_too(aws, monkeypatch):
    monkeypatch.setattr(doctor_aws, "rows", lambda: [doctor_aws.ok("AWS identity", "known")])
    names = [row["name"] for row in doctor.examine() if row["ok"]]
    assert names[-1] == "AWS identity"
    assert not {"Sandbox", "Port"} & set(names)
