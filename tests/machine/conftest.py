"""A fake machine: its PATH contains only the programs of the test, and each call is recorded."""

import os
import sys
from pathlib import Path

import pytest

from machine import aws_cli, base_image, clean, commands, debian, engine, newer_engine, project, setup, venv

ANSWERS = 'if [ "$1" = version ]; then echo "28.0.0 linux/amd64"; fi'
SILENT = 'if [ "$1" = version ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi'


class Machine:
    """The system that the code under test uses."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        self.log = folder / "calls"
        self.root.mkdir()
        for name in ("requirements.lock", "pyproject.toml", "sandbox/pyproject.toml"):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text("")
        self.bin.mkdir()
        self.log.touch()
        self.monkeypatch = monkeypatch

    def has(self, program: str, script: str = "") -> None:
        """Put `program` on the PATH: it records the call, then runs `script` (shell builtins only)."""
        path = self.bin / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >> "{self.log}"\n{script}\n')
        path.chmod(0o755)

    def has_apt(self, install: str = "") -> None:
        self.has("apt-get", f'case "$*" in *install*) {install or ":"};; esac')
        self.has("env", 'while case "$1" in *=*) true;; *) false;; esac; do shift; done; exec "$@"')

    def lets_sudo(self) -> None:
        self.has("sudo", 'shift; if [ "$1" = true ]; then exit 0; fi; exec "$@"')

    def is_user(self, uid: int) -> None:
        self.monkeypatch.setattr(os, "geteuid", lambda: uid)

    def is_system(self, platform: str, systemd: bool = False) -> None:
        self.monkeypatch.setattr(sys, "platform", platform)
        self.monkeypatch.setattr(debian, "has_systemd", lambda: systemd)

    def calls(self, program: str = "") -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(program)]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(made.bin))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(commands, "SYSTEM", [])
    for module in (venv, clean, aws_cli):
        monkeypatch.setattr(module, "ROOT", made.root)
        monkeypatch.setattr(module, "VENV", made.root / ".venv", raising=False)
    monkeypatch.setattr(aws_cli, "FOLDER", made.root / ".cache" / "aws-cli")
    monkeypatch.setattr(aws_cli, "LINK", made.root / ".cache" / "aws-cli" / "bin" / "aws")
    monkeypatch.delenv("ECR_TUTORIAL_AWS_CLI", raising=False)
    monkeypatch.setattr(venv, "STAMP", made.root / ".venv" / "installed")
    monkeypatch.setattr(venv, "SETTINGS", made.root / ".venv" / "settings" / "overrides.json")
    monkeypatch.setattr(venv, "PYTHON", made.root / ".venv" / "bin" / "python")
    monkeypatch.setattr(venv, "PIP", [str(venv.PYTHON), "-m", "pip", "install"])
    for module in (base_image, clean, project):
        monkeypatch.setattr(module, "CACHE", made.root / ".cache")
    monkeypatch.setattr(newer_engine, "DATA", made.root / ".cache" / "newer-engine")
    monkeypatch.setattr(engine, "DOCKERD_PID", made.root / ".sandbox" / "dockerd.pid")
    monkeypatch.setattr(engine, "DOCKERD_LOG", made.root / ".sandbox" / "log" / "dockerd.log")
    monkeypatch.setattr(engine, "ENGINE_PID", tmp_path / "no-engine.pid")
    monkeypatch.setattr(engine, "START_LIMIT", 10.0)
    assert setup.main  # setup uses the modules above
    made.is_user(0)
    made.is_system("linux")
    return made
