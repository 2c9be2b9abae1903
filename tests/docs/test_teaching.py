"""The plans of docs/teaching.md add up, and agree with the minutes and the exercises of the notebooks."""

import json
import math
import os
import re
import subprocess

import pytest

from helpers import settings
from machine.project import ROOT
from tests.notebooks import course, minutes

GUIDE = (ROOT / "docs" / "teaching.md").read_text()
MORE = 4 / 3  # what a group needs: the guide says "a third more"
PLANS = {"90 minutes": [90], "Half a day": [240], "Two days": [330, 330]}  # the length of each table, in minutes
NOTEBOOKS = {path.name: course.read(path) for path in course.PATHS}


def tables(plan: str) -> list[list[list[str]]]:
    """The tables of a plan: each a list of rows, each row its five cells."""
    section = re.split(r"^###? ", GUIDE.partition(f"\n### {plan}\n")[2], flags=re.MULTILINE)[0]
    found = [re.findall(r"^\| (\d:.*) \|$", table, re.MULTILINE) for table in section.split("\n\n")]
    return [[re.split(r" ?\| ?", row) for row in rows] for rows in found if rows]


def rows() -> list[list[str]]:
    """Every row of every plan that is about a notebook."""
    return [row for plan in PLANS for table in tables(plan) for row in table if ".ipynb" in row[2]]


@pytest.mark.parametrize("plan", PLANS)
def test_each_part_begins_when_the_part_before_it_ends(plan):
    found = tables(plan)
    assert len(found) == len(PLANS[plan])
    for table, length in zip(found, PLANS[plan], strict=True):
        now = 0
        for begin, duration, *_ in table:
            assert begin == f"{now // 60}:{now % 60:02}"
            now += int(duration)
        assert now == length


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0] + " " + row[2][1:3])
def test_a_notebook_gets_a_third_more_than_its_minutes(row):
    _, planned, part, stated, left_out = row
    name = re.search(r"\.\./notebooks/(.+?\.ipynb)\)", part)
    assert name
    notebook = NOTEBOOKS[name[1]]
    exercises = re.findall(r"\d\d\.\d", left_out)
    assert all(f"### Exercise {number} " in course.prose(notebook) for number in exercises)
    assert int(stated) == course.minutes(notebook) - minutes.EXERCISE * len(exercises)
    assert int(planned) == math.ceil(int(stated) * MORE)


def test_two_days_have_all_notebooks():
    named = re.findall(r"notebooks/(\d\d_\w+\.ipynb)", str(tables("Two days")))
    assert sorted(named) == sorted(NOTEBOOKS)


def test_half_a_day_is_the_core_path_without_02():
    named = re.findall(r"notebooks/(\d\d)_", str(tables("Half a day")))
    assert named == [number for number in minutes.CORE_PATH if number != "02"]


def test_the_table_of_advice_has_every_notebook():
    assert re.findall(r"^\| (\d\d) \|", GUIDE, re.MULTILINE) == [name[:2] for name in sorted(NOTEBOOKS)]


def test_the_minutes_of_the_slides_are_those_of_their_notes():
    said = re.search(r"each takes (\d+) to (\d+) minutes", GUIDE.replace("\n", " "))
    assert said
    decks = [path.read_text() for path in (ROOT / "docs" / "slides").glob("[0-9]*.md")]
    spoken = [sum(map(int, re.findall(r"^\*\*(\d+) minutes?\.\*\*", deck, re.MULTILINE))) for deck in decks]
    assert (min(spoken), max(spoken)) == (int(said[1]), int(said[2]))


def policy(name: str = "aws-policy.json") -> list[dict]:
    return json.loads((ROOT / "docs" / name).read_text())["Statement"]


@pytest.mark.parametrize("prefix", ["demo-", "tom-"])
def test_the_commands_for_a_learner_work(ecr_sandbox, tmp_path, prefix):
    """They are run as the guide has them. The learner can create a repository and a user, and no other."""
    [commands] = [block for block in re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL) if "boundary" in block]
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    iam = ecr_sandbox.client("iam")
    iam.create_user(UserName="tom")
    path = f"{settings.aws_cli().parent}{os.pathsep}{ecr_sandbox.environ['PATH']}"
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("prefix=demo-", f"prefix={prefix}")],
        cwd=tmp_path,
        env=ecr_sandbox.environ | {"PATH": path},
        check=True,
    )
    key = iam.create_access_key(UserName="tom")["AccessKey"]
    names = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    theirs, limit = ecr_sandbox.client("iam", **names), f"arn:aws:iam::{ecr_sandbox.account}:policy/{prefix}boundary"
    theirs.create_user(UserName=f"{prefix}x", PermissionsBoundary=limit)
    ecr_sandbox.client("ecr", **names).create_repository(repositoryName=f"{prefix}x")
    for refused in ({"UserName": f"{prefix}y"}, {"UserName": "other-y", "PermissionsBoundary": limit}):
        with pytest.raises(theirs.exceptions.ClientError, match="not authorized to perform: iam:CreateUser"):
            theirs.create_user(**refused)


def test_the_names_without_a_prefix_are_those_of_the_policy():
    found = {name for each in policy() for name in re.findall(r"repository/([^/*\"]+/?\*?)", json.dumps(each))}
    found = {name for name in found if not name.startswith("demo-")}
    assert found and all(f"`{name}" in GUIDE for name in found)


def test_the_smaller_policy_changes_repositories_only():
    actions = {action for each in policy("aws-policy-core.json") for action in each["Action"]}
    reads = re.compile(r"\w[\w-]*:(Get|List|Describe|Simulate)\w*")
    changing = {action for action in actions if not reads.fullmatch(action)}
    assert {action.partition(":")[0] for action in changing} == {"ecr", "ecr-public"}
    assert actions < {action for each in policy() if each["Effect"] == "Allow" for action in each["Action"]}
