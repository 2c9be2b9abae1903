"""`make site` and `make slides` install their packages once, and work without a browser."""

import sys

import pytest

from machine import clients, site


@pytest.fixture
def checkout(machine, monkeypatch):
    """A checkout whose `.cache/site/venv` has a python that only records its calls."""
    venv = machine.root / ".cache" / "site" / "venv"
    (venv / "bin").mkdir(parents=True)
    machine.has("python")
    (machine.bin / "python").rename(venv / "bin" / "python")
    (machine.root / "lock").write_text("sphinx==9.0.4 \\\n    --hash=sha256:00\n")
    for name, value in {
        "ROOT": machine.root,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "LOCK": machine.root / "lock",
        "MAC": "",
    }.items():
        monkeypatch.setattr(site, name, value)
    monkeypatch.setattr(clients, "CLIENTS", machine.root / ".cache" / "clients")
    monkeypatch.setattr(sys, "argv", ["machine.site", "site"])
    machine.has("maker")
    monkeypatch.setattr(sys, "executable", str(machine.bin / "maker"))
    return machine


def installs(checkout) -> list[str]:
    return [call for call in checkout.calls("python") if "pip install" in call]


def test_the_packages_of_the_lock_are_installed_once(checkout, capsys):
    assert site.main() == 0
    (install,) = installs(checkout)
    assert f"--require-hashes --requirement {checkout.root}/lock" in install
    assert "Installing Sphinx" in capsys.readouterr().err
    assert site.main() == 0
    assert len(installs(checkout)) == 1
    (checkout.root / "lock").write_text("sphinx==9.0.5\n")
    site.main()
    assert len(installs(checkout)) == 2


@pytest.mark.parametrize("browser", ["chromium", "google-chrome"])
def test_the_browser_is_passed_to_the_build(checkout, browser, capsys):
    checkout.has(browser)
    assert site.main() == 0
    build = f"python {checkout.root}/docs/site/build.py site {checkout.root}/site {checkout.bin}/{browser}"
    assert checkout.calls("python")[-1] == build
    assert "no PDF" not in capsys.readouterr().err


def test_without_a_browser_a_sentence_says_why_there_is_no_pdf(checkout, capsys):
    assert site.main() == 0
    assert checkout.calls("python")[-1].endswith(f"build.py site {checkout.root}/site")
    assert "Install one and run: make site" in capsys.readouterr().err


def test_slides_need_no_browser(checkout, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["machine.site", "slides"])
    assert site.main() == 0
    assert checkout.calls("python")[-1].endswith(f"build.py slides {checkout.root}/slides")
    assert capsys.readouterr().err.endswith(f"Open {checkout.root}/slides/index.html\n")


def test_a_failed_build_is_not_reported_as_a_site(checkout, capsys):
    site.ensure()
    site.PYTHON.write_text("#!/bin/sh\nexit 3\n")
    assert site.main() == 3
    assert "index.html" not in capsys.readouterr().err


def test_a_failed_installation_is_one_sentence(checkout, capsys):
    site.PYTHON.write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    assert site.main() == 1
    assert "Python packages could not be installed:\n    no network" in capsys.readouterr().err
