"""Without one of the learner's permissions, a cell of the course or the clean-up names the permission."""

import json
import subprocess
import sys

import pytest

from machine.least_policy import FURTHER
from machine.project import ROOT
from tests.helpers.cleanup import one_of_each
from tests.machine.test_private_machine import WHY_NOT
from tests.notebooks import each_permission
from tests.notebooks.each_permission import Ran, Result

DENIED = "User: x is not authorized to perform: ecr:PutImage on resource: y"
OPTIONAL = {"iam:ListAccountAliases"}  # the consent shows the account without its alias
POLICY = json.loads((ROOT / "docs" / each_permission.POLICY).read_text())


def ran(said: str, failed: bool = False) -> list[Ran]:
    return [Ran("first", "✔ done", False, 1.0, 0), Ran("last", said, failed, 2.0, 0)]


def actions(policy: dict) -> set[str]:
    return {action for each in policy["Statement"] if each["Effect"] == "Allow" for action in each["Action"]}


@pytest.mark.parametrize(
    ("said", "failed", "problem"),
    [
        (DENIED, True, ""),
        (DENIED, False, ""),
        ("unknown: 403 Forbidden", True, "it fails without the name of the action: ['unknown: 403 Forbidden']"),
        ("✔ pushed", False, "no cell names it, and the last one has 2 seconds"),
        (f'Traceback\nFile "/x/helpers/lab.py"\n{DENIED}', True, "a traceback of helpers"),
    ],
)
def test_a_cell_must_name_the_action(said, failed, problem):
    assert each_permission.problem_of("ecr:PutImage", ran(said, failed)) == problem


@pytest.mark.parametrize(
    ("said", "refused", "left", "problem"),
    [
        ("✔ repositories deleted: none was left", False, "", ""),
        ("✗ repositories: unknown, ecr:PutImage is not allowed", True, "a repository", ""),
        ("✔ repositories deleted: none was left", True, "", "the clean-up was refused and does not name the action"),
        ("✔ repositories deleted: none was left", False, "it", "the clean-up claims success, and left it"),
    ],
)
def test_the_clean_up_must_not_claim_success(said, refused, left, problem):
    assert each_permission.problem_of_clean_up("ecr:PutImage", said, refused, left) == problem


def test_the_policy_without_an_action_denies_it_and_nothing_else():
    without = each_permission.less(POLICY, "iam:CreatePolicy")
    assert actions(POLICY) - actions(without) == {"iam:CreatePolicy"}
    assert without["Statement"][-1] == POLICY["Statement"][-1]


def test_an_action_that_its_cell_does_not_name_is_tried_alone(monkeypatch):
    """A run of the notebook ends after the cell c1 here, so c2 has another one; the clean-up also calls DeleteUser."""

    def one_by_one(_, name, calls):
        cell = min(each["cell"] for each in calls.values())
        found = [action for action, each in calls.items() if each["cell"] == cell]
        return [Result(each, name, cell, "", 0.0, "no" if each == "iam:GetUser" else "") for each in found]

    cells = {"iam:CreateUser": "c1", "iam:GetUser": "c1", "iam:TagUser": "c2", "iam:DeleteUser": "c2"}
    calls = {
        action: {"script": "03", "cell": cell, "clean_up": action == "iam:DeleteUser"} for action, cell in cells.items()
    }
    monkeypatch.setattr(each_permission, "scripts", lambda: {"02": [], "03": []})
    monkeypatch.setattr(each_permission, "one_by_one", one_by_one)
    monkeypatch.setattr(each_permission, "without", lambda _, action, name, *__: Result(action, name, "", "", 0.0, ""))
    results = {each.action: each.cell for each in each_permission.results(None, calls)}
    assert results == {"iam:CreateUser": "c1", "iam:TagUser": "c2", "iam:GetUser": "", "iam:DeleteUser": ""}


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.skipif(bool(WHY_NOT), reason=f"no private machine here: {WHY_NOT}")
def test_each_missing_permission_is_named(soak):
    if not soak:
        pytest.skip("make soak runs it")
    subprocess.run([sys.executable, "-m", "tests.notebooks.each_permission"], cwd=ROOT, check=True)
    lines = each_permission.REPORT.read_text().splitlines()
    reported = {json.loads(line)["action"] for line in lines}
    elsewhere = {*one_of_each.ACTIONS, *OPTIONAL, *(action for several in FURTHER.values() for action in several)}
    assert actions(POLICY) - elsewhere <= reported
