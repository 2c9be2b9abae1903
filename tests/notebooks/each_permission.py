"""Runs the course on AWS without one permission after the other, and reports what a learner sees of each.

    python -m tests.notebooks.each_permission [ACTION …]

On a private machine, as a rehearsal. First every notebook runs with docs/aws-policy.json, to find which cell calls
which action first. Then every notebook runs again: such a cell runs first without the action, which it must name, and
then with all actions. An action that its cell does not name, or that the clean-up calls too, is tried alone: the
notebook runs with the policy less this action, until a cell names it or fails. The clean-up follows, as the learner
and with the same policy, then as an administrator.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from helpers import settings as course_settings
from machine import learner, newer_engine, rehearse
from machine.project import CACHE, settings
from machine.say import say
from tests.helpers.cleanup import one_of_each
from tests.notebooks import clean_state, course

KEPT = CACHE / "each-permission"  # what it leaves: the log of the sandbox, IAM's decisions, and the two files below
CALLS, REPORT = KEPT / "calls.json", KEPT / "report.jsonl"
POLICY = "aws-policy.json"
INSIDE = "--inside"
LIMIT = 300.0  # seconds, for a cell that waits for a permission without an end
DOCTOR = "from helpers import doctor, doctor_aws\nfor row in doctor_aws.rows():\n    print(doctor.line(row))"
CLEAN_UP = "import helpers\nhelpers.connect().clean_up()"
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": settings.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": settings.SECRET_KEY}

Script = list[tuple[str, str]]  # cells that run in order: their ids and sources


class Ran(NamedTuple):
    """A cell that ran: what it printed, whether it failed, and how many of IAM's decisions there were then.

    *without* is the action that was not allowed to it alone.
    """

    cell: str
    said: str
    failed: bool
    seconds: float
    decisions: int
    without: str = ""


class Result(NamedTuple):
    """What a learner sees without *action*: *cell* names it or fails; *says* is the line with the name of the action.

    *problem* is a sentence if the learner is left alone: nothing fails, or the clean-up claims too much.
    """

    action: str
    script: str
    cell: str
    says: str
    seconds: float
    problem: str


def main(arguments: list[str]) -> int:
    """Run this on a private machine; 0 if there is a line for each action and no problem."""
    if arguments[:1] == [INSIDE]:
        return _inside(arguments[1:])
    KEPT.mkdir(parents=True, exist_ok=True)
    os.environ |= {learner.POLICY: POLICY, rehearse.KEEP: str(KEPT), rehearse.FAST: "yes"}
    command = [sys.executable, "-m", "tests.notebooks.each_permission", INSIDE, *arguments]
    return newer_engine.main(rehearse.on_a_private_machine(command))


def _inside(actions: list[str]) -> int:
    os.environ |= {"MPLBACKEND": "Agg", "AWS_REGION": rehearse.REGION, course_settings.SEED: clean_state.SEED}
    import_what_cells_import()
    account = Account()
    if not (actions and CALLS.exists()):
        CALLS.write_text(json.dumps(calls_of_course(account)))
    calls = json.loads(CALLS.read_text())
    rest = [action for action in calls if action not in one_of_each.ACTIONS]  # tests/helpers/cleanup tries these
    problems = 0
    with REPORT.open("w") as report:
        for result in results(account, {action: calls[action] for action in actions or rest}):
            report.write(json.dumps(result._asdict()) + "\n")
            report.flush()
            where = f"{result.script} {result.cell}"
            say(f"{result.seconds:5.0f} s  {result.action}: {where}: {result.problem or result.says}")
            problems += bool(result.problem)
    return int(problems > 0)


def results(account: "Account", calls: Mapping[str, Mapping[str, Any]]) -> Iterator[Result]:
    """What a learner sees without each of these actions: first of those that their cells name, then of the others."""
    alone = list(calls)
    for name in scripts():
        todo = {action: each for action, each in calls.items() if each["script"] == name and not each["clean_up"]}
        while todo and (tried := one_by_one(account, name, todo)):
            for result in tried:
                del todo[result.action]
                if not result.problem:
                    alone.remove(result.action)
                    yield result
    for action in alone:
        yield without(account, action, calls[action]["script"], calls[action]["clean_up"])


def one_by_one(account: "Account", name: str, calls: Mapping[str, Mapping[str, Any]]) -> list[Result]:
    """Run the script of this *name* once, each cell first without the actions that it calls first; what it shows.

    It ends when a cell fails that already ran without an action: what such a cell made can be in its way.
    """
    of_cell: dict[str, list[str]] = {}
    for action in sorted(calls, key=lambda action: calls[action]["number"]):
        of_cell.setdefault(calls[action]["cell"], []).append(action)
    script = scripts()[name]
    last = max(place for place, (cell, _) in enumerate(script) if cell in of_cell)
    account.allow(json.loads(learner.handed_out(POLICY)))
    ran = run(script[: last + 1], f"{name}-one-by-one", missing=of_cell)
    account.allow(json.loads(learner.handed_out(POLICY)))  # if it was killed
    run_as_administrator(name)
    return [
        Result(each.without, name, each.cell, line_about(each.without, each.said), each.seconds, problem)
        for each in ran
        if each.without
        for problem in [problem_of(each.without, [each])]
    ]


def import_what_cells_import() -> None:
    """Import once what each script would import: a script is a copy of this process."""
    import boto3  # noqa: F401
    import docker  # noqa: F401
    import IPython.core.interactiveshell  # noqa: F401
    import matplotlib.pyplot  # noqa: F401

    import helpers.exercises  # noqa: F401


class Account:
    """The learner's account, as its administrator sees it."""

    def __init__(self) -> None:
        import boto3

        keys = {name.lower(): value for name, value in ADMINISTRATOR.items()}
        self.iam = boto3.Session(**keys).client("iam", rehearse.REGION)
        self.policy = f"arn:aws:iam::{rehearse.ACCOUNT}:policy/{learner.USER}"

    def allow(self, policy: Mapping[str, Any]) -> None:
        """Give the learner this policy and no other."""
        text = json.dumps(policy)
        made = self.iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=text, SetAsDefault=True)
        for each in self.iam.list_policy_versions(PolicyArn=self.policy)["Versions"]:
            if each["VersionId"] != made["PolicyVersion"]["VersionId"]:
                self.iam.delete_policy_version(PolicyArn=self.policy, VersionId=each["VersionId"])


def less(policy: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The policy without this action: what is denied stays denied."""
    statements = [
        each if each["Effect"] == "Deny" else each | {"Action": [name for name in each["Action"] if name != action]}
        for each in policy["Statement"]
    ]
    return {**policy, "Statement": [each for each in statements if each["Action"]]}


def scripts() -> dict[str, Script]:
    """All that a learner runs, by name: the doctor, each notebook, the clean-up."""
    notebooks = {path.name[:2]: course.code(course.read(path)) for path in course.PATHS}
    cells = {name: [(cell.id, cell.source) for cell in found] for name, found in notebooks.items()}
    return {"doctor": [("doctor", DOCTOR)], **cells, "clean-up": [("clean-up", CLEAN_UP)]}


def calls_of_course(account: Account) -> dict[str, dict[str, Any]]:
    """For each action: the script and the cell that call it first, and whether the clean-up calls it.

    That is the script that calls it after the fewest *seconds*. *number* is that of IAM's decision about the call.
    """
    account.allow(json.loads(learner.handed_out(POLICY)))
    found: dict[str, dict[str, Any]] = {}
    for name, script in scripts().items():
        before, seconds = len(decisions()), 0.0
        for ran in run(script, name):
            for number, each in enumerate(decisions()[before : ran.decisions], before):
                call = {"script": name, "cell": ran.cell, "seconds": seconds, "number": number}
                known = found.setdefault(each["action"], {**call, "clean_up": False})
                if seconds < known["seconds"]:
                    known |= call
                known["clean_up"] |= name == "clean-up"
            before, seconds = ran.decisions, seconds + ran.seconds
        run_as_administrator(name)
        say(f"{seconds:5.0f} s  {name}")
    return found


def decisions() -> list[dict[str, Any]]:
    """What IAM decided about the learner until now."""
    return learner.decisions(KEPT / rehearse.DECISIONS)


def without(account: Account, action: str, name: str, in_clean_up: bool) -> Result:
    """What a learner sees of the script of this *name* without *action*, and of the clean-up if it calls the action."""
    begin, whole = time.monotonic(), json.loads(learner.handed_out(POLICY))
    account.allow(less(whole, action))
    ran = run(scripts()[name], f"{name}-without", stop_at=action)
    before = len(decisions())
    cleaned = ran if name == "clean-up" else []
    if in_clean_up and not cleaned:
        cleaned = run([("clean-up", CLEAN_UP)], "clean-up-without")
    refused = any(each["action"] == action and not each["allowed"] for each in decisions()[before:])
    account.allow(whole)
    left = run_as_administrator(name)
    problem = problem_of(action, ran)
    if in_clean_up and not problem:
        problem = problem_of_clean_up(action, "".join(each.said for each in cleaned), refused, left)
    last = ran[-1]
    return Result(action, name, last.cell, line_about(action, last.said), time.monotonic() - begin, problem)


def problem_of(action: str, ran: list[Ran]) -> str:
    """A sentence if the last of these cells does not show the learner what is missing."""
    last = ran[-1]
    if line_about(action, last.said):
        return "a traceback of helpers" if "/helpers/" in last.said and "Traceback" in last.said else ""
    if last.failed:
        return f"it fails without the name of the action: {last.said.strip().splitlines()[-1:]}"
    return f"no cell names it, and the last one has {last.seconds:.0f} seconds"


def problem_of_clean_up(action: str, said: str, refused: bool, left: str) -> str:
    """A sentence if the clean-up, which *said* this, does not say what it could not do."""
    if refused and not line_about(action, said):
        return "the clean-up was refused and does not name the action"
    if left and "✗" not in said:
        return f"the clean-up claims success, and left {left}"
    return ""


def line_about(action: str, said: str) -> str:
    """The first line that names the action, or an empty string."""
    return next((line.strip() for line in said.splitlines() if action in line), "")


def run_as_administrator(name: str) -> str:
    """Clean up as an administrator: what was left, or an empty string."""
    [ran] = run([("clean-up", CLEAN_UP)], f"{name}-administrator", environ=ADMINISTRATOR)
    lines = [line for line in ran.said.splitlines() if " deleted: " in line and "none was left" not in line]
    return "; ".join(line for line in lines if "from this machine" not in line)


def run(
    script: Script,
    name: str,
    stop_at: str = "",
    environ: Mapping[str, str] | None = None,
    missing: Mapping[str, list[str]] | None = None,
) -> list[Ran]:
    """Run the cells in a copy of this process, until one fails or prints *stop_at*; each that ran, or that hangs.

    A cell runs first without each of the actions that *missing* has for it.
    """
    log, out = KEPT / f"{name}.jsonl", KEPT / f"{name}.out"
    for file in (log, out):
        file.write_text("")
    child = os.fork()
    if not child:
        os.setsid()
        try:
            os.environ |= environ or {}
            _run_here(script, log, out, stop_at, missing or {})
        finally:
            os._exit(0)
    is_late = False
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.time() > log.stat().st_mtime + LIMIT and not is_late:
            os.killpg(child, signal.SIGKILL)
            is_late = True
        time.sleep(0.05)
    ran = [Ran(*json.loads(line)) for line in log.read_text().splitlines()]
    if is_late and not missing:
        ran.append(Ran(script[len(ran)][0], "", False, LIMIT, len(decisions())))
    return ran


def _run_here(script: Script, log: Path, out: Path, stop_at: str, missing: Mapping[str, list[str]]) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    os.chdir(course.FOLDER)
    stream = os.open(out, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(stream, number)
    sys.stdout = sys.stderr = os.fdopen(stream, "w", buffering=1)
    shell = InteractiveShell.instance(colors="nocolor")

    def ran(cell: str, source: str, without: str = "") -> Ran:
        begin, place = time.monotonic(), out.stat().st_size
        success = shell.run_cell(source).success
        sys.stdout.flush()
        said = out.read_bytes()[place:].decode(errors="replace")
        result = Ran(cell, said, not success, time.monotonic() - begin, len(decisions()), without)
        with log.open("a") as file:
            file.write(json.dumps(result) + "\n")
        return result

    account, whole = Account() if missing else None, json.loads(learner.handed_out(POLICY))
    for cell, source in script:
        for action in missing.get(cell, ()):
            assert account
            account.allow(less(whole, action))
            ran(cell, source, action)
            account.allow(whole)
        result = ran(cell, source)
        if result.failed or (stop_at and stop_at in result.said):
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
