"""`make setup` from start to end."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import machine as package
from machine import base_image, engine, engine_check, setup, venv
from machine.project import ROOT
from tests.machine.conftest import ANSWERS, SILENT


@pytest.fixture
def ready(machine, monkeypatch):
    """A machine on which everything is installed."""
    venv.PYTHON.parent.mkdir(parents=True)
    machine.has("python")
    (machine.bin / "python").rename(venv.PYTHON)
    venv.STAMP.write_text(venv.wanted())
    machine.has("docker", ANSWERS)
    machine.has("aws", "echo aws-cli/2.38.5 Python/3.14.8")
    machine.has_apt()
    image = base_image.Image("sha256:aa", "linux/amd64", True)
    monkeypatch.setattr(base_image, "inspect", lambda: image)
    monkeypatch.setattr(base_image.oci_layout, "annotation", lambda *_: image.id)
    monkeypatch.setattr(engine_check, "check", lambda: None)  # tests/machine/test_engine_check.py
    return machine


def test_setup_of_a_ready_machine_prints_one_line_and_changes_nothing(ready, capsys):
    assert setup.main() == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert "engine 28.0.0" in printed.err and "stand-in" in printed.err
    assert ready.calls("apt-get") == []
    assert all("pip install" not in call for call in ready.calls())
    assert {call.split()[1] for call in ready.calls("docker ")} == {"version"}


def test_all_missing_packages_are_installed_in_one_call(ready, capsys):
    ready.is_user(1000)
    ready.lets_sudo()
    (ready.bin / "docker").unlink()
    assert setup.main() == 1, "the fake apt-get brings no engine"
    installs = [call for call in ready.calls("apt-get") if "install" in call]
    assert installs[0].endswith("docker.io")


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_missing_engine_ends_with_a_message_and_exit_code_1(ready, capsys, system):
    ready.is_system(system)
    ready.is_user(1000)
    ready.has("docker", SILENT)
    assert setup.main() == 1
    printed = capsys.readouterr().err
    fixes = {
        "linux": "sudo apt-get update && sudo apt-get install",
        "darwin": "Docker Desktop",
        "win32": "WSL2",
    }
    assert fixes[system] in printed
    assert "Traceback" not in printed


def raising(error):
    def check():
        raise error

    return check


def test_an_engine_that_cannot_do_what_the_lessons_need_ends_setup(ready, monkeypatch, capsys):
    broken = engine_check.Broken("The engine cannot start a container (no bridge)", "sudo service docker restart")
    monkeypatch.setattr(engine_check, "check", raising(broken))
    assert setup.main() == 1
    assert capsys.readouterr().err == (
        "The engine cannot start a container (no bridge). Fix: sudo service docker restart. "
        "After that, run the same make again.\n"
    )


def test_a_build_step_without_the_package_index_is_shown_and_setup_continues(ready, monkeypatch, capsys):
    monkeypatch.setattr(engine_check, "check", raising(engine_check.Offline("No packages (no DNS)", "connect")))
    assert setup.main() == 0
    first, last = capsys.readouterr().err.splitlines()
    assert first == "No packages (no DNS). Fix: connect"
    assert last.startswith("Ready: ")


def test_an_interrupt_prints_no_traceback(ready, monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "missing", interrupted)
    assert setup.main() == 130
    assert capsys.readouterr().err == "\nInterrupted. Run the same make again to continue.\n"


def test_only_the_standard_library_is_imported():
    code = "import sys; import machine.setup, machine.clean; print(*sys.modules)"
    got = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in got.stdout.split()}
    assert loaded - sys.stdlib_module_names - {"machine", "__main__"} == set()


def test_an_old_python_prints_which_version_is_needed():
    source = Path(package.__file__).read_text()
    ast.parse(source, feature_version=(3, 7))
    old = source.replace("sys.version_info", "(3, 9, 2)")
    got = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True)
    assert got.returncode == 1
    assert "is 3.9" in got.stderr and "Traceback" not in got.stderr
