"""The project's lists agree: dependencies, lock, environment.yml and the targets of make."""

import re
import subprocess
import sys
import tomllib
from itertools import pairwise

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import ecr_sandbox
from machine.project import ROOT

CONDA_NAMES = {"docker": "docker-py"}
PROJECTS = {
    folder: tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in (".", "sandbox")
}
PROJECT = PROJECTS["."]
OWN = {canonicalize_name(project["name"]) for project in PROJECTS.values()}
# Both lists; a dependency in both has the same version range.
LISTED = [Requirement(line) for project in PROJECTS.values() for line in project["dependencies"]]
DEPENDENCIES = [one for one in LISTED if canonicalize_name(one.name) not in OWN]
LOCK = (ROOT / "requirements.lock").read_text()
# Some packages are listed twice: the newest for an old Python, and the newest.
LOCKED = [(canonicalize_name(name), Version(version)) for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.M)]
TARGETS = [
    "lab",
    "setup",
    "doctor",
    "sandbox",
    "test",
    "soak",
    "lint",
    "record",
    "rehearse",
    "tables",
    "pictures",
    "bench",
    "site",
    "slides",
    "lock",
    "clean",
]


def conda() -> dict[str, str]:
    """environment.yml as name → versions."""
    text = (ROOT / "environment.yml").read_text()
    lines = re.findall(r"^  - ([\w-]+)(\S*)$", text.partition("\n  - pip:\n")[0], re.M)
    return {name: versions for name, versions in lines if name not in ("pip", "conda-forge")}


def test_environment_yml_lists_the_same_dependencies():
    wanted = {
        CONDA_NAMES.get(canonicalize_name(one.name), canonicalize_name(one.name)): one.specifier for one in DEPENDENCIES
    }
    wanted["python"] = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert (ROOT / "environment.yml").read_text().endswith("\n  - pip:\n      - -e ./sandbox\n      - -e .\n")
    assert {name: Requirement(f"x{versions}").specifier for name, versions in conda().items()} == wanted


@pytest.mark.parametrize("dependency", sorted(set(DEPENDENCIES), key=str), ids=str)
def test_the_lock_satisfies_each_dependency(dependency):
    versions = [version for name, version in LOCKED if name == canonicalize_name(dependency.name)]
    assert versions
    assert all(version in dependency.specifier for version in versions)


def test_the_course_does_not_list_dependencies_of_the_sandbox():
    course, sandbox = ({Requirement(line).name for line in PROJECTS[folder]["dependencies"]} for folder in PROJECTS)
    assert "ecr-sandbox" in course
    assert not {"moto", "werkzeug", "cheroot", "itsdangerous", "packaging"} & course
    assert not {"jupyterlab", "matplotlib", "nbval", "awscli", "flask"} & sandbox


def test_the_lock_has_hashes_and_no_index_url():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(entries) == len(LOCKED)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--(extra-)?index-url|--find-links|file:", LOCK)
    assert "make lock" in LOCK.splitlines()[1]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_the_lock_supports_other_systems(system):
    assert f"sys_platform == '{system}'" in LOCK


@pytest.mark.parametrize("folder", PROJECTS)
def test_every_dependency_has_a_comment(folder):
    block = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / folder / "pyproject.toml").read_text(), re.M | re.S)
    assert block
    lines = ["", *(line.strip() for line in block[1].splitlines())]
    entries = [(before, line) for before, line in pairwise(lines) if line.startswith('"')]
    assert len(entries) == len(PROJECTS[folder]["dependencies"])
    assert [line for before, line in entries if "# " not in line and not before.startswith("# ")] == []


def test_make_lists_the_targets():
    got = subprocess.run(["make", "-C", str(ROOT), "--no-print-directory"], capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make (\w+) +\S", got.stdout, re.M)
    assert set(listed) == {*TARGETS, "help"}
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert phony and set(phony[1].split()) == {*TARGETS, "help"}


def test_ci_runs_make_test():
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
    assert "- run: make test\n" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


@pytest.mark.parametrize("folder", PROJECTS)
def test_the_license_file_matches_the_declared_license(folder):
    assert PROJECTS[folder]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / folder / "LICENSE").read_text()


def test_both_projects_require_the_same_python():
    assert PROJECTS["sandbox"]["requires-python"] == PROJECT["requires-python"]


def test_the_commands_are_declared():
    assert PROJECT["scripts"] == {"ecr-lab": "helpers.cli:main"}
    assert PROJECTS["sandbox"]["scripts"] == {"ecr-sandbox": "ecr_sandbox.cli:main"}


def test_this_python_is_supported():
    assert sys.version_info >= (3, 11)


def test_the_package_docstring_names_every_folder_of_the_sandbox():
    text = ecr_sandbox.__doc__ or ""
    package = ROOT / "sandbox" / "ecr_sandbox"
    named = set(re.findall(r"[a-z_]+(?:\.py|/)", text)) - {"v2/"}
    assert {f"{each.parent.name}/" for each in package.glob("*/*.py")} <= named
    assert named <= {each.name if each.is_file() else f"{each.name}/" for each in package.rglob("*")}
    assert len(text.splitlines()) <= 15
