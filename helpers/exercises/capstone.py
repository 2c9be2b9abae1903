"""The rubric of notebook 15: eight points about an app that the learner ships alone.

The learner enters the names of the resources with ``enter``. Each point is the check of an exercise: it reads from
ECR, IAM and ECS, changes nothing, and its hint names a notebook, never a command.
"""

from collections.abc import Iterable
from typing import NamedTuple

import ecr_sandbox
from helpers import scans, settings
from helpers.lab import Lab

from . import evidence, lookup, permissions
from .checks import NotYet, exercise
from .evidence import Entry

DAY = 24 * 60 * 60
YEAR = 365 * DAY
UNTAGGED = 100  # untagged images with which a lifecycle policy is tried, spread over a year
SEVERE = ("CRITICAL", "HIGH")


class Point(NamedTuple):
    """One point of the rubric, and the claims of the course that it shows."""

    title: str
    claims: tuple[str, ...]


POINTS = {
    "15.1": Point("A repository of your own, its tags locked", ("C5", "C9", "C19", "C20")),
    "15.2": Point("An identity that may push there, and nothing else", ("C10", "C16", "C17")),
    "15.3": Point("An app of your own, released under a version", ("C4", "C18", "C23", "C24", "C25", "C26", "C27")),
    "15.4": Point("A scan that finds nothing severe to fix", ("C12", "C21")),
    "15.5": Point("A rule that expires old images and keeps the release", ("C13",)),
    "15.6": Point("A role that may pull, and not push", ("C10", "C11")),
    "15.7": Point("A task on Fargate that runs exactly this image", ("C2", "C11")),
    "15.8": Point("Nothing that keeps running or stays open", ("C13", "C29")),
}

_entry = Entry("", "", "", "")


def enter(repository: str, release: str, pusher: str, execution_role: str) -> None:
    """Enter the names of the resources to check; they are kept until the kernel ends."""
    global _entry
    _entry = Entry(repository, release, pusher, execution_role)
    print("✔ to be judged:", ", ".join(f"{name.replace('_', ' ')} {given}" for name, given in _entry._asdict().items()))


def entry() -> Entry:
    """What was entered; NotYet before that."""
    if not all(_entry):
        raise NotYet("not all four names are entered", "run the cell with capstone.enter, near the top")
    return _entry


@exercise("15.1")
def has_locked_repository(lab: Lab) -> str:
    """The repository is the learner's own, its release cannot be overwritten, and clean-up can find it."""
    mine = entry()
    if mine.repository == settings.REPOSITORY:
        raise NotYet(f"{mine.repository} is the course's repository", "choose a name of your own")
    found = evidence.repository(lab, mine)
    mode = found["imageTagMutability"]
    if not ecr_sandbox.is_tag_immutable(mine.release, mode, lookup.exclusion_filters(found)):
        raise NotYet(f"the tag {mine.release} could be overwritten: {mode}", "notebook 11 locks tags")
    if not lookup.has_tutorial_tag(lab, found["repositoryArn"]):
        raise NotYet(f"{mine.repository} lacks the tag by which clean-up finds it", "notebook 04 writes it")
    return f"{mine.repository} is {mode}, and has the tag {settings.TAG_TEXT}"


@exercise("15.2")
def pusher_may_push_only(lab: Lab) -> str:
    """The policies of the pusher allow what a push needs, on this repository, and nothing else."""
    mine = entry()
    principal = permissions.of(lab, mine.pusher)
    if principal is None:
        raise NotYet(f"there is no user or role {mine.pusher} yet", "notebook 03 makes both")
    arn = evidence.repository(lab, mine)["repositoryArn"]
    needed = sorted(permissions.PUSH)
    _check_permissions(lab, principal, arn, mine.pusher, needed)
    return f"{mine.pusher} may {_listed([permissions.PASSWORD, *needed])} on {mine.repository}, and change nothing else"


@exercise("15.3")
def released(lab: Lab) -> str:
    """The release is an image of the learner's own with a meaningful tag, and does not run as root."""
    mine = entry()
    if mine.release == "latest":
        raise NotYet("latest does not say which version it is", "notebook 07 has better names")
    digest = evidence.released(lab, mine)["imageDigest"]
    if digest in evidence.course_images(lab):
        raise NotYet(f"{mine.release} is the image of {settings.REPOSITORY}", "change the app, then notebook 06")
    user = lookup.config(lab, mine.repository, mine.release).get("User", "")
    if user.partition(":")[0] in ("", "0", "root"):
        raise NotYet(f"{mine.release} runs as root", "notebook 06 reads the Dockerfile line by line")
    layers = len(lookup.layers(lab, mine.repository, mine.release))
    return f"{mine.repository}:{mine.release} is {digest}, {layers} layers, run as user {user}"


@exercise("15.4")
def scanned_clean(lab: Lab) -> str:
    """The scan of the release is complete, and no finding of HIGH or CRITICAL severity has a known fix."""
    mine = entry()
    digest = evidence.released(lab, mine)["imageDigest"]
    scan = evidence.scan(lab, mine, digest)
    status, found = scan["imageScanStatus"]["status"], scans.vulnerabilities(scan)
    if status not in ("COMPLETE", "ACTIVE"):
        raise NotYet(
            f"the scan of {mine.release} is {status}", "notebook 10 waits for it, and says what can be scanned"
        )
    severe = [each for each in found if each.fixable and each.severity in SEVERE]
    if severe:
        raise NotYet(
            f"{len(severe)} severe findings with a fix, one of them {severe[0].id}", "notebook 10 fixes an image"
        )
    counts = {each: sum(one.severity == each for one in found) for each in (*SEVERE, "MEDIUM", "LOW")}
    listed = ", ".join(f"{number} {severity}" for severity, number in counts.items() if number)
    what = f"{listed}, and no fix for what is severe" if listed else "no finding of LOW severity or higher"
    return f"the scan of {digest} is {status}: {what}"


@exercise("15.5")
def expires_untagged(lab: Lab) -> str:
    """Over a year the lifecycle policy expires images that lose their tag, and keeps the release."""
    mine = entry()
    digest = evidence.released(lab, mine)["imageDigest"]
    rules = evidence.lifecycle_rules(lab, mine)
    images, newest = evidence.lifecycle_images(lab, mine)
    for now in (newest, newest + YEAR):
        pushed = [now - YEAR * number / UNTAGGED for number in range(1, UNTAGGED + 1)]
        untagged = [
            ecr_sandbox.LifecycleImage(f"sha256:{number:064}", pushed_at=time) for number, time in enumerate(pushed)
        ]
        verdicts = ecr_sandbox.evaluate_lifecycle(rules, [*images, *untagged], now)
        if digest in verdicts:
            raise NotYet(
                f"rule {verdicts[digest].priority} would take {mine.release} within a year", "notebook 12 tries it"
            )
    expired = sum(each.digest in verdicts and verdicts[each.digest].action == "expire" for each in untagged)
    if expired < UNTAGGED / 2:
        raise NotYet(
            f"of {UNTAGGED} images without a tag it would expire {expired} in a year", "notebook 12 writes one"
        )
    return f"of {UNTAGGED} images without a tag the rules would expire {expired} in a year, and never {mine.release}"


@exercise("15.6")
def role_may_pull_only(lab: Lab) -> str:
    """ECS may assume the execution role, which may pull the image and change nothing in ECR."""
    mine = entry()
    principal = permissions.of_role(lab.client("iam"), mine.execution_role)
    if principal is None:
        raise NotYet(f"there is no role {mine.execution_role} yet", "notebook 13 makes one")
    if not permissions.trusts(lab, mine.execution_role, "ecs-tasks.amazonaws.com"):
        raise NotYet(f"ECS may not assume {mine.execution_role}", "notebook 13 explains the two halves of a role")
    arn = evidence.repository(lab, mine)["repositoryArn"]
    _check_permissions(lab, principal, arn, mine.execution_role, sorted(permissions.PULL))
    pulls = _listed([permissions.PASSWORD, *sorted(permissions.PULL)])
    return f"{mine.execution_role} may {pulls}, and change nothing in ECR"


@exercise("15.7")
def runs_on_fargate(lab: Lab) -> str:
    """A task on Fargate with that role runs exactly the release: its page answers, or it ended with code 0."""
    mine = entry()
    task = evidence.good_task(lab, mine, evidence.tasks(lab, mine))
    container = task["containers"][0]
    if task["lastStatus"] == "STOPPED":
        return f"a task on Fargate ran {container['imageDigest']}, and ended with code 0"
    return f"a task on Fargate runs {container['imageDigest']}{evidence.page_answers(lab, task)}"


@exercise("15.8")
def nothing_keeps_running(lab: Lab) -> str:
    """After the task: nothing runs, no key is active, no image is untagged, and clean-up can find all the rest."""
    mine = entry()
    tasks = evidence.tasks(lab, mine)
    task = evidence.good_task(lab, mine, tasks)
    running = [each for each in tasks if each["lastStatus"] != "STOPPED"]
    if running:
        raise NotYet(f"a task is {running[0]['lastStatus']}, and Fargate bills it", "notebook 13 stops one")
    if evidence.wanted_by_services(lab, task["clusterArn"]):
        raise NotYet("a service will start the next task", "notebook 13 has a service, and deletes it")
    if permissions.keys(lab, mine.pusher):
        raise NotYet(f"the access key of {mine.pusher} is still active", "notebook 03 deletes a key")
    if lookup.count_untagged(lab, mine.repository):
        raise NotYet(f"{mine.repository} holds an image without a tag", "notebook 14 deletes those")
    if missed := evidence.missed_by_clean_up(lab, mine, task):
        raise NotYet(f"clean-up would not find the {missed}", "the names and the tag of “The rules of the game”")
    return "no task runs, no key is active, no image is untagged, and clean-up finds the rest"


def _check_permissions(lab: Lab, principal: ecr_sandbox.Principal, arn: str, name: str, needed: Iterable[str]) -> None:
    """NotYet unless the principal may do all that is *needed* on the repository *arn*, and no more."""
    if not permissions.allowed(principal, permissions.PASSWORD, "*"):
        raise NotYet(f"{name} may not even log in", "notebook 03 says which resource a login needs")
    for action in needed:
        if not permissions.allowed(principal, action, arn):
            raise NotYet(f"{name} may not do all that is needed", "notebook 03 reads what a refusal names")
    if more := permissions.beyond(lab, principal, arn, *needed):
        raise NotYet(f"{name} may also do {more}", "what does it need? Notebook 03 compares policies")


def _listed(actions: Iterable[str]) -> str:
    return ", ".join(each.partition(":")[2] for each in actions)
