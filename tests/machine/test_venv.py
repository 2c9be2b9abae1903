"""The virtual environment is created once, updated with the lock, and created again if it is broken."""

import sys
from contextlib import nullcontext

import pytest

from machine import venv
from machine.say import Stop


@pytest.fixture
def checkout(machine):
    """A checkout with a `.venv` whose python only records its calls."""
    (machine.root / "requirements.lock").write_text("click==8.1.0 \\\n    --hash=sha256:00\n")
    (machine.root / ".venv" / "bin").mkdir(parents=True)
    machine.has("python")
    (machine.bin / "python").rename(venv.PYTHON)
    return machine


def installs(machine) -> list[str]:
    return [call for call in machine.calls("python") if "pip install" in call]


def test_locked_packages_are_installed_once(checkout, capsys):
    venv.ensure()
    lock, package = installs(checkout)
    assert f"--require-hashes --requirement {checkout.root}/requirements.lock" in lock
    assert package.endswith(f"--no-build-isolation --editable {checkout.root}/sandbox --editable {checkout.root}")
    assert "1 Python packages" in capsys.readouterr().err
    venv.ensure()
    assert len(installs(checkout)) == 2
    assert capsys.readouterr().err == ""


def test_jupyterlab_gets_its_default_settings(checkout):
    venv.ensure()
    assert venv.SETTINGS.read_text() == venv.DEFAULTS.read_text()
    venv.SETTINGS.unlink()  # as in a .venv of an earlier version
    venv.ensure()
    assert venv.SETTINGS.exists()
    assert len(installs(checkout)) == 2


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml", "sandbox/pyproject.toml"])
def test_a_changed_list_is_installed_again(checkout, changed):
    venv.ensure()
    with (checkout.root / changed).open("a") as file:
        file.write("# changed\n")
    venv.ensure()
    assert len(installs(checkout)) == 4


def test_an_interrupted_installation_is_repeated(checkout):
    good = venv.PYTHON.read_text()
    venv.PYTHON.write_text(good + 'case "$*" in *pip\\ install*) echo "no route to host" >&2; exit 1;; esac\n')
    with pytest.raises(Stop, match=r"to continue(.|\n)*no route to host"):
        venv.ensure()
    venv.PYTHON.write_text(good)
    venv.ensure()
    assert len(installs(checkout)) == 3


@pytest.mark.parametrize("fault", ["python is gone", "the checkout was moved"])
def test_a_broken_environment_is_created_again(checkout, monkeypatch, fault):
    venv.ensure()
    if fault == "python is gone":
        venv.PYTHON.unlink()
    else:
        venv.STAMP.write_text("0000 /somewhere/else\n")
    checkout.has("python3")
    monkeypatch.setattr(sys, "executable", str(checkout.bin / "python3"))
    # The fake python3 creates nothing, so a missing python stays missing.
    with pytest.raises(Stop) if fault == "python is gone" else nullcontext():
        venv.ensure()
    assert checkout.calls("python3") == [f"python3 -m venv --clear {checkout.root}/.venv"]


def test_on_debian_the_venv_package_is_installed(machine, monkeypatch):
    machine.has("python3", "exit 1")
    machine.has_apt()
    monkeypatch.setattr(sys, "executable", str(machine.bin / "python3"))
    assert list(venv.missing()) == [f"python3.{sys.version_info.minor}-venv"]


def test_on_other_systems_a_missing_venv_module_is_an_error(machine, monkeypatch):
    machine.has("python3", "exit 1")
    monkeypatch.setattr(sys, "executable", str(machine.bin / "python3"))
    with pytest.raises(Stop, match="ensurepip"):
        venv.missing()
