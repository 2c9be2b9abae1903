"""`make clean` removes what make created, and nothing else."""

import pytest

from machine import base_image, clean, engine, venv


@pytest.fixture
def used(machine, monkeypatch):
    """A checkout after use."""
    for name in (".venv/bin", ".cache/base-image", ".sandbox/registry", ".sandbox-class", "notebooks"):
        (machine.root / name).mkdir(parents=True)
    venv.STAMP.write_text("whole")
    (machine.root / ".sandbox.md").write_text("a note of the user's")
    machine.has("docker")
    machine.has("ecr-lab")
    (machine.bin / "ecr-lab").rename(machine.root / ".venv" / "bin" / "ecr-lab")
    monkeypatch.setattr(base_image, "inspect", lambda: base_image.Image("sha256:aa", "linux/amd64", True))
    return machine


def left(machine) -> list[str]:
    return sorted(path.name for path in machine.root.iterdir())


def removed(machine) -> list[str]:
    """The images that were removed by name."""
    return [call.split(" rm ")[1] for call in machine.calls("docker") if " rm " in call]


def test_clean_removes_only_what_make_created(used):
    assert clean.main() == 0
    assert used.calls("ecr-lab") == ["ecr-lab down"]
    assert removed(used) == [base_image.NAME]
    assert left(used) == [".sandbox.md", "notebooks", "pyproject.toml", "requirements.lock", "sandbox"]


def test_images_of_the_tests_are_removed_even_those_whose_name_a_newer_build_took(used):
    used.has(
        "docker",
        'case "$*" in *"ls --filter reference=learn-amazon-ecr-tests*"*) echo learn-amazon-ecr-tests:warm;; esac',
    )
    clean.main()
    assert removed(used) == ["learn-amazon-ecr-tests:warm", base_image.NAME]
    assert f"docker image prune --force --filter label={clean.LABEL}" in used.calls("docker")


@pytest.mark.parametrize("image", [None, base_image.Image("sha256:aa", "linux/amd64", False)])
def test_an_image_that_make_did_not_build_is_kept(used, monkeypatch, image):
    monkeypatch.setattr(base_image, "inspect", lambda: image)
    clean.main()
    assert removed(used) == []


def test_symbolic_links_are_not_followed(used, tmp_path):
    (tmp_path / "precious").mkdir()
    (used.root / ".sandbox-link").symlink_to(tmp_path / "precious")
    clean.main()
    assert (tmp_path / "precious").is_dir()


def test_a_sandbox_that_does_not_stop_keeps_its_files(used, capsys):
    used.has("ecr-lab", "echo 'process 7 does not end' >&2; exit 1")
    (used.bin / "ecr-lab").rename(used.root / ".venv" / "bin" / "ecr-lab")
    before = left(used)
    assert clean.main() == 1
    assert "process 7 does not end" in capsys.readouterr().err
    assert left(used) == before


@pytest.mark.parametrize("fault", ["half installed", "moved"])
def test_a_broken_environment_is_removed(used, fault):
    ecr_lab = used.root / ".venv" / "bin" / "ecr-lab"
    if fault == "moved":
        ecr_lab.write_text("#!/no/longer/here/python\n")
    else:
        ecr_lab.write_text("#!/bin/sh\nexit 1\n")
        venv.STAMP.unlink()
    assert clean.main() == 0
    assert not (used.root / ".venv").exists()


def test_only_the_engine_that_make_started_is_stopped(used, monkeypatch, capsys):
    clean.main()
    assert used.calls("kill") == []
    monkeypatch.setattr(engine, "stop", lambda: True)
    clean.main()
    assert "Stopped the Docker engine" in capsys.readouterr().err


def test_clean_can_run_twice(used):
    clean.main()
    assert clean.main() == 0
