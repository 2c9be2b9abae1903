"""Playwright is fetched once, into a folder of its own; without it the tests in a browser are skipped."""

import pytest

from machine import browser


@pytest.fixture
def pip(machine, monkeypatch):
    """A machine whose pip writes into the folder that it gets."""
    monkeypatch.setattr(browser, "FOLDER", machine.root / ".cache" / "browser")
    monkeypatch.setattr(browser, "STAMP", machine.root / ".cache" / "browser" / "installed")
    browser.venv.PYTHON.parent.mkdir(parents=True)

    def installs(script: str = ""):
        python = f'case "$*" in *--version*) echo Python 3.11.9;; *install*) {script};; esac'
        machine.has("python", python)
        browser.venv.PYTHON.unlink(missing_ok=True)
        browser.venv.PYTHON.symlink_to(machine.bin / "python")
        return machine

    return installs


def test_the_packages_are_fetched_once(pip):
    machine = pip(f"/bin/mkdir -p {browser.FOLDER}")
    assert browser.main() == 0
    assert browser.is_current()
    [call] = [call for call in machine.calls() if "install" in call]
    assert f"--target {browser.FOLDER} {' '.join(browser.PACKAGES)}" in call
    browser.main()
    assert len([call for call in machine.calls() if "install" in call]) == 1


def test_a_failure_says_which_tests_are_skipped(pip, capsys):
    pip("echo 'ERROR: No matching distribution found' >&2; exit 1")
    assert browser.main() == 0
    assert not browser.is_current()
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("The tests in a browser will be skipped (ERROR: No matching distribution found)")
