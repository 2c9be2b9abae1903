"""The points of the capstone: each returns its evidence, or raises NotYet.

A point reads from ECR, IAM and ECS, and changes nothing. Its hint names a notebook, never a command.
"""

from collections.abc import Iterable

import ecr_sandbox
from helpers import scans, settings
from helpers.lab import Lab

from . import evidence, lookup, permissions
from .checks import NotYet
from .evidence import Entry

DAY = 24 * 60 * 60
YEAR = 365 * DAY
UNTAGGED = 100  # untagged images with which a lifecycle policy is tried, spread over a year
SEVERE = ("CRITICAL", "HIGH")
OTHER_ACCOUNT = "999999999999"


def repository(lab: Lab, mine: Entry) -> str:
    """The repository is the learner's own, no release can be overwritten, and clean-up can find it."""
    if mine.repository == settings.REPOSITORY:
        raise NotYet(f"{mine.repository} is the course's repository", "choose a name of your own")
    found = evidence.repository(lab, mine)
    mode = found["imageTagMutability"]
    for release in mine.releases:
        if not lookup.is_immutable(found, release):
            raise NotYet(f"a push could overwrite the tag {release}: {mode}", "notebook 11 makes tags immutable")
    if not lookup.has_tutorial_tag(lab, found["repositoryArn"]):
        raise NotYet(f"{mine.repository} lacks the tag by which clean-up finds it", "notebook 04 writes it")
    return f"{mine.repository} is {mode}, and has the tag {settings.TAG_TEXT}"


def pusher(lab: Lab, mine: Entry) -> str:
    """A role of this account may do what a push to this repository needs, and nothing else."""
    principal = permissions.of_role(lab.client("iam"), mine.pusher)
    if principal is None:
        user = permissions.of_user(lab.client("iam"), mine.pusher)
        missing = f"{mine.pusher} is a user" if user else f"there is no role {mine.pusher} yet"
        raise NotYet(missing, "notebook 03 has a role, whose credentials expire")
    if permissions.trusts_account(lab, mine.pusher, OTHER_ACCOUNT):
        raise NotYet(f"another account may assume {mine.pusher}", "notebook 03 reads a trust policy")
    needed = sorted(permissions.PUSH)
    _check_permissions(lab, principal, evidence.repository(lab, mine)["repositoryArn"], mine.pusher, needed)
    return f"{mine.pusher} may {_listed([permissions.PASSWORD, *needed])} on {mine.repository}, and change nothing else"


def releases(lab: Lab, mine: Entry) -> str:
    """Each release is another image of the learner's own, with a meaningful tag, and does not run as root."""
    layers: dict[str, str] = {}
    for release in mine.releases:
        if release == "latest":
            raise NotYet("latest does not say which version it is", "notebook 07 has better names")
        digest = evidence.released(lab, mine, release)["imageDigest"]
        if digest in evidence.course_images(lab):
            raise NotYet(f"{release} is the image of {settings.REPOSITORY}", "change the app, then notebook 06")
        if lookup.is_root(lookup.config(lab, mine.repository, release).get("User")):
            raise NotYet(f"{release} runs as root", "notebook 06 reads the Dockerfile line by line")
        content = " ".join(lookup.layers(lab, mine.repository, release))
        if content in layers:
            raise NotYet(f"{release} has the same files as {layers[content]}", "a release changes something in the app")
        layers[content] = release
    digests = [f"{each} is {evidence.released(lab, mine, each)['imageDigest']}" for each in mine.releases]
    return f"{', '.join(digests)}, not run as root"


def scans_triaged(lab: Lab, mine: Entry) -> str:
    """Each release is scanned; what is severe has no known fix, and the repository's tag lists it as an exception."""
    accepted = evidence.exceptions(lab, mine)
    severe = set()
    for release in mine.releases:
        scan = evidence.scan(lab, mine, release)
        status, found = scan["imageScanStatus"]["status"], scans.vulnerabilities(scan)
        if status not in lookup.SCAN_DONE:
            raise NotYet(f"the scan of {release} is {status}", "notebook 10 waits for it, and says what ECR can scan")
        here = [each for each in found if each.severity in SEVERE]
        if fixable := [each.id for each in here if each.fixable]:
            raise NotYet(f"{fixable[0]} in {release} is severe and has a fix", "notebook 10 fixes an image")
        if missing := [each.id for each in here if each.id not in accepted]:
            raise NotYet(
                f"{missing[0]} in {release} is severe, has no fix and no exception",
                f"the brief names the tag {evidence.EXCEPTIONS}; notebook 10 decides about findings",
            )
        severe |= {each.id for each in here}
    listed = ", ".join(sorted(severe)) or "there are no such findings"
    return f"{' and '.join(mine.releases)} scanned: nothing severe has a fix, exceptions: {listed}"


def lifecycle(lab: Lab, mine: Entry) -> str:
    """Over a year the lifecycle policy expires images that lose their tag, and keeps the releases."""
    digests = {evidence.released(lab, mine, each)["imageDigest"]: each for each in mine.releases}
    rules = evidence.lifecycle_rules(lab, mine)
    images, newest = evidence.lifecycle_images(lab, mine)
    for now in (newest, newest + YEAR):
        pushed = [now - YEAR * number / UNTAGGED for number in range(1, UNTAGGED + 1)]
        untagged = [
            ecr_sandbox.LifecycleImage(f"sha256:{number:064}", pushed_at=time) for number, time in enumerate(pushed)
        ]
        verdicts = ecr_sandbox.evaluate_lifecycle(rules, [*images, *untagged], now)
        for digest, release in digests.items():
            if digest in verdicts:
                rule = verdicts[digest].priority
                raise NotYet(f"rule {rule} would take {release} within a year", "notebook 12 tries a rule")
    expired = sum(each.digest in verdicts and verdicts[each.digest].action == "expire" for each in untagged)
    if expired < UNTAGGED / 2:
        raise NotYet(
            f"of {UNTAGGED} images without a tag it would expire {expired} in a year", "notebook 12 writes a rule"
        )
    kept = " or ".join(mine.releases)
    return f"of {UNTAGGED} images without a tag the rules would expire {expired} in a year, and never {kept}"


def execution_role(lab: Lab, mine: Entry) -> str:
    """ECS may assume the execution role, which may pull the image and change nothing in ECR."""
    principal = permissions.of_role(lab.client("iam"), mine.execution_role)
    if principal is None:
        raise NotYet(f"there is no role {mine.execution_role} yet", "notebook 13 creates one")
    if not permissions.trusts(lab, mine.execution_role, "ecs-tasks.amazonaws.com"):
        raise NotYet(f"ECS may not assume {mine.execution_role}", "notebook 13 explains the two parts of a role")
    arn = evidence.repository(lab, mine)["repositoryArn"]
    _check_permissions(lab, principal, arn, mine.execution_role, sorted(permissions.PULL))
    pulls = _listed([permissions.PASSWORD, *sorted(permissions.PULL)])
    return f"{mine.execution_role} may {pulls}, and change nothing in ECR"


def runs(lab: Lab, mine: Entry, release: str) -> str:
    """A task on Fargate with that role runs this release: its page answers, or it ended well."""
    task = evidence.good_task(lab, mine, evidence.tasks(lab, mine), release)
    if task["lastStatus"] == "STOPPED":
        return f"a task on Fargate ran {release}"
    return f"a task on Fargate runs {release}{evidence.page_answers(lab, task)}"


def rolled_back(lab: Lab, mine: Entry) -> str:
    """The first release ran on Fargate after the second: on AWS, ECS lists a stopped task for about an hour."""
    first, second = mine.releases
    tasks = evidence.tasks(lab, mine)
    before = evidence.good_task(lab, mine, tasks, second)
    after = evidence.good_task(lab, mine, tasks, first)
    if after["createdAt"] <= before["createdAt"]:
        raise NotYet(f"no task has run {first} after {second}", "notebook 13 gives a service another revision")
    return f"Fargate ran {second}, and then {first} again"


def closed(lab: Lab, mine: Entry) -> str:
    """Nothing runs, no user has an active key, no image is untagged, and clean-up can find all the rest."""
    tasks = evidence.tasks(lab, mine)
    running = [each for each in tasks if each["lastStatus"] != "STOPPED"]
    for cluster in sorted({each["clusterArn"] for each in tasks}):
        if evidence.wanted_by_services(lab, cluster):
            raise NotYet("a service would start the next task", "notebook 13 has a service, and deletes it")
    if running:
        raise NotYet(f"a task is {running[0]['lastStatus']}, and Fargate bills it", "notebook 13 stops one")
    if user := evidence.user_with_key(lab):
        raise NotYet(f"the access key of {user} is still active", "notebook 03 deletes a key")
    if lookup.count_untagged(lab, mine.repository):
        raise NotYet(f"{mine.repository} contains an image without a tag", "notebook 12 finds and deletes those")
    if missed := evidence.missed_by_clean_up(lab, mine, tasks):
        raise NotYet(f"clean-up would not find the {missed}", "the brief says how to mark what you create")
    return "no task runs, no access key is active, no image is untagged, and clean-up finds the rest"


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
