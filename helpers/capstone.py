"""The rubric of notebook 15: eight points about an app that the learner ships alone, judged by what AWS says of it.

The learner names what is to be judged with ``enter``; each point is the check of an exercise (helpers/checks.py). It
asks ECR, IAM and ECS, changes nothing, and its hint says in which notebook to look, never what to type.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ecr_sandbox.errors import LabError

from helpers import checks, people, permissions, settings, workloads
from helpers.checks import NotYet, exercise
from helpers.lab import Lab

DAY = 24 * 60 * 60
YEAR = 365 * DAY
LEFTOVERS = 100  # untagged images that a year is supposed to leave, for the trial of a lifecycle policy
SEVERE = ("CRITICAL", "HIGH")
PATIENCE = 10  # seconds for the page of a task that has just begun


class Entry(NamedTuple):
    """What is judged: a repository, the tag of the release in it, who pushes, and the role by which ECS pulls."""

    repository: str
    release: str
    pusher: str
    execution_role: str


class Point(NamedTuple):
    """One point of the rubric, and the claims of the course that stand behind it."""

    title: str
    claims: tuple[str, ...]


POINTS = {
    "15.1": Point("A repository of your own, its tags locked", ("C5", "C9", "C19", "C20")),
    "15.2": Point("Somebody who may push there, and nothing else", ("C10", "C16", "C17")),
    "15.3": Point("An app of your own, released under a version", ("C4", "C18", "C23", "C24", "C25", "C26", "C27")),
    "15.4": Point("A scan that finds nothing severe to mend", ("C12", "C21")),
    "15.5": Point("A rule that sweeps up and spares the release", ("C13",)),
    "15.6": Point("A role that may pull, and not push", ("C10", "C11")),
    "15.7": Point("A task on Fargate that runs exactly this image", ("C2", "C11")),
    "15.8": Point("Nothing that runs on or stays open", ("C13", "C29")),
}

_entry = Entry("", "", "", "")


def enter(repository: str, release: str, pusher: str, execution_role: str) -> None:
    """Say under which names the work is to be judged; they count until the kernel ends."""
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
    from ecr_sandbox.services.ecr.tag_mutability import immutable

    mine = entry()
    if mine.repository == settings.REPOSITORY:
        raise NotYet(f"{mine.repository} is the course's repository", "choose a name of your own")
    found = _repository(lab, mine)
    mode = found["imageTagMutability"]
    filters = [each["filter"] for each in found.get("imageTagMutabilityExclusionFilters") or []]
    if not immutable(mine.release, mode, filters):
        raise NotYet(f"the tag {mine.release} could be overwritten: {mode}", "notebook 11 locks tags")
    tags = lab.client().list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    if settings.TAG not in tags:
        raise NotYet(f"{mine.repository} lacks the tag by which clean-up finds it", "notebook 04 writes it")
    return f"{mine.repository} is {mode}, and has the tag {settings.TAG['Key']}={settings.TAG['Value']}"


@exercise("15.2")
def pusher_may_push_only(lab: Lab) -> str:
    """The policies of the pusher allow what a push needs, on this repository, and nothing else."""
    mine = entry()
    who = permissions.of(lab, mine.pusher)
    if who is None:
        raise NotYet(f"there is no user or role {mine.pusher} yet", "notebook 03 makes both")
    arn = _repository(lab, mine)["repositoryArn"]
    needed = sorted(permissions.PUSH)
    _may(lab, who, arn, mine.pusher, needed)
    return f"{mine.pusher} may {_listed([permissions.PASSWORD, *needed])} on {mine.repository}, and change nothing else"


@exercise("15.3")
def released(lab: Lab) -> str:
    """The release is an image of the learner's own under a tag that says which, and does not run as root."""
    mine = entry()
    if mine.release == "latest":
        raise NotYet("latest says nothing about what is in it", "notebook 07 has better names")
    digest = _released(lab, mine)["imageDigest"]
    if digest in _course_images(lab):
        raise NotYet(f"{mine.release} is the image of {settings.REPOSITORY}", "change the app, then notebook 06")
    user = checks.config(lab, mine.repository, mine.release).get("User", "")
    if user.partition(":")[0] in ("", "0", "root"):
        raise NotYet(f"{mine.release} runs as root", "notebook 06 reads the Dockerfile line by line")
    layers = len(checks.layers(lab, mine.repository, mine.release))
    return f"{mine.repository}:{mine.release} is {digest}, {layers} layers, run as user {user}"


@exercise("15.4")
def scanned_clean(lab: Lab) -> str:
    """The scan of the release is done, and no finding from HIGH on has a known mend."""
    mine = entry()
    digest = _released(lab, mine)["imageDigest"]
    status, findings = _scan(lab, mine, digest)
    if status not in ("COMPLETE", "ACTIVE"):
        raise NotYet(
            f"the scan of {mine.release} is {status}", "notebook 10 waits for it, and says what can be scanned"
        )
    severe = [each for each in findings if each["severity"] in SEVERE and _can_be_mended(each)]
    if severe:
        name = severe[0].get("name") or severe[0]["title"]
        raise NotYet(f"{len(severe)} severe findings, one of them {name}", "notebook 10 mends an image")
    counts = {each: sum(found["severity"] == each for found in findings) for each in (*SEVERE, "MEDIUM", "LOW")}
    told = ", ".join(f"{number} {severity}" for severity, number in counts.items() if number)
    what = f"{told}, and no mend for what is severe" if told else "no finding from LOW on"
    return f"the scan of {digest} is {status}: {what}"


@exercise("15.5")
def tidies_up(lab: Lab) -> str:
    """Over a year the lifecycle policy takes what loses its tag, and leaves the release alone."""
    from ecr_sandbox.services.ecr.lifecycle import evaluate

    mine = entry()
    digest = _released(lab, mine)["imageDigest"]
    rules = _lifecycle(lab, mine)
    images, now = _images(lab, mine)
    for when in (now, now + YEAR):
        born = [when - YEAR * number / LEFTOVERS for number in range(1, LEFTOVERS + 1)]
        left = [evaluate.Image(f"sha256:{number:064}", pushed_at=time) for number, time in enumerate(born)]
        goes = evaluate.evaluate(rules, [*images, *left], when)
        if digest in goes:
            raise NotYet(
                f"rule {goes[digest].priority} would take {mine.release} within a year", "notebook 12 tries it"
            )
    taken = sum(each.digest in goes and goes[each.digest].action == "expire" for each in left)
    if taken < LEFTOVERS / 2:
        raise NotYet(f"of {LEFTOVERS} images without a tag it would take {taken} in a year", "notebook 12 writes one")
    return f"of {LEFTOVERS} images without a tag the rules would take {taken} in a year, and never {mine.release}"


@exercise("15.6")
def role_may_pull_only(lab: Lab) -> str:
    """ECS may take on the execution role, which may pull the image and change nothing in ECR."""
    mine = entry()
    who = permissions.of_role(lab.client("iam"), mine.execution_role)
    if who is None:
        raise NotYet(f"there is no role {mine.execution_role} yet", "notebook 13 makes one")
    if not permissions.trusts(lab, mine.execution_role, workloads.TASKS):
        raise NotYet(f"ECS may not take on {mine.execution_role}", "notebook 13 speaks of the two halves of a role")
    arn = _repository(lab, mine)["repositoryArn"]
    _may(lab, who, arn, mine.execution_role, sorted(permissions.PULL))
    pulls = _listed([permissions.PASSWORD, *sorted(permissions.PULL)])
    return f"{mine.execution_role} may {pulls}, and change nothing in ECR"


@exercise("15.7")
def runs_on_fargate(lab: Lab) -> str:
    """A task on Fargate, with that role, runs exactly the release: it answers, or it has ended with code 0."""
    mine = entry()
    task = _task(lab, mine, _tasks(lab, mine))
    container = task["containers"][0]
    if task["lastStatus"] == "STOPPED":
        return f"a task on Fargate ran {container['imageDigest']}, and ended with code 0"
    return f"a task on Fargate runs {container['imageDigest']}{_page(lab, task)}"


@exercise("15.8")
def nothing_runs_on(lab: Lab) -> str:
    """After the task: nothing runs, no key is left, no image lost its tag, and clean-up can find all the rest."""
    mine = entry()
    tasks = _tasks(lab, mine)
    task = _task(lab, mine, tasks)
    going = [each for each in tasks if each["lastStatus"] != "STOPPED"]
    if going:
        raise NotYet(f"a task is {going[0]['lastStatus']}, and Fargate bills it", "notebook 13 stops one")
    if workloads.wanted_by_services(lab, task["clusterArn"]):
        raise NotYet("a service will start the next task", "notebook 13 has a service, and ends it")
    if permissions.keys(lab, mine.pusher):
        raise NotYet(f"the key of {mine.pusher} still opens the door", "notebook 03 takes a key away")
    untagged = {"repositoryName": mine.repository, "filter": {"tagStatus": "UNTAGGED"}}
    if lab.client().list_images(**untagged)["imageIds"]:
        raise NotYet(f"{mine.repository} holds an image without a tag", "notebook 14 sweeps up")
    lost = _not_found_by_clean_up(lab, mine, task)
    if lost:
        raise NotYet(f"clean-up would not find the {lost}", "the names and the tag of “The rules of the game”")
    return "no task runs, no key is open, no image is untagged, and clean-up finds the rest"


# What the points look at ---


def _repository(lab: Lab, mine: Entry) -> dict:
    try:
        return checks.repository(lab, mine.repository)
    except NotYet as missing:
        raise NotYet(missing.missing, "notebook 04 makes one") from None


def _released(lab: Lab, mine: Entry) -> dict:
    _repository(lab, mine)
    return checks.image(lab, mine.repository, mine.release, "notebooks 06 to 08 go that way")


def _may(lab: Lab, who, arn: str, name: str, needed: Iterable[str]) -> None:
    """NotYet unless *who* may do all that is needed on the repository *arn*, and no more."""
    if not permissions.allowed(who, permissions.PASSWORD, "*"):
        raise NotYet(f"{name} may not even log in", "notebook 03 says on what resource one logs in")
    for action in needed:
        if not permissions.allowed(who, action, arn):
            raise NotYet(f"{name} may not do all that is needed", "notebook 03 reads what a refusal names")
    if more := permissions.beyond(lab, who, arn, *needed):
        raise NotYet(f"{name} may also do {more}", "what does it need? Notebook 03 compares policies")


def _listed(actions: Iterable[str]) -> str:
    return ", ".join(each.partition(":")[2] for each in actions)


def _course_images(lab: Lab) -> set[str]:
    """The digests in the course's own repository, if it is there."""
    try:
        return set(checks.digests_by_tag(lab, settings.REPOSITORY).values())
    except NotYet:
        return set()


def _scan(lab: Lab, mine: Entry, digest: str) -> tuple[str, list[dict]]:
    """The status of the last scan, and all its findings of either kind."""
    ecr = lab.client()
    asked = {"repositoryName": mine.repository, "imageId": {"imageDigest": digest}}
    try:
        pages = list(ecr.get_paginator("describe_image_scan_findings").paginate(**asked))
    except ecr.exceptions.ScanNotFoundException:
        if _listed_in(lab, mine):
            raise NotYet(
                f"{mine.release} is an index, which ECR does not scan", "notebook 06 speaks of attestations"
            ) from None
        raise NotYet(f"{mine.release} was not scanned", "notebook 10 switches it on, or asks for one") from None
    found = [page.get("imageScanFindings", {}) for page in pages]
    findings = [each for page in found for kind in ("findings", "enhancedFindings") for each in page.get(kind, [])]
    return pages[0]["imageScanStatus"]["status"], findings


def _can_be_mended(finding: dict) -> bool:
    """Whether a newer package has the mend. A basic scan on AWS does not say: then yes."""
    if "fixAvailable" in finding:
        return finding["fixAvailable"] != "NO"
    return not finding.get("description", "").endswith("No fixed version is known here.")


def _lifecycle(lab: Lab, mine: Entry):
    """The rules of the repository's lifecycle policy, read."""
    from ecr_sandbox.services.ecr.lifecycle import policy

    ecr = lab.client()
    try:
        return policy.parse(ecr.get_lifecycle_policy(repositoryName=mine.repository)["lifecyclePolicyText"])
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        raise NotYet(f"{mine.repository} has no lifecycle policy yet", "notebook 12 writes one") from None


def _images(lab: Lab, mine: Entry) -> tuple[list, float]:
    """The images that are there, as lifecycle rules look at them, and when the newest was pushed."""
    from ecr_sandbox.services.ecr.lifecycle.evaluate import Image

    pages = lab.client().get_paginator("describe_images").paginate(repositoryName=mine.repository)
    found = sorted((each for page in pages for each in page["imageDetails"]), key=lambda each: each["imagePushedAt"])
    images = [
        Image(each["imageDigest"], tuple(each.get("imageTags", ())), each["imagePushedAt"].timestamp())
        for each in found
    ]
    return images, images[-1].pushed_at


def _tasks(lab: Lab, mine: Entry) -> list[dict]:
    """The tasks that take an image from the repository, the newest first; there is one at least."""
    tasks = workloads.tasks_of_image(lab, f"{lab.registry}/{mine.repository}")
    if not tasks:
        raise NotYet(f"no task has taken an image from {mine.repository} yet", "notebook 13 runs one")
    return tasks


def _task(lab: Lab, mine: Entry, tasks: list[dict]) -> dict:
    """The newest of the *tasks* on Fargate that runs the release as it should, or ran it and ended well."""
    digest = _released(lab, mine)["imageDigest"]
    faults = {task["taskArn"]: _fault(lab, mine, task, digest) for task in tasks}
    good = [task for task in tasks if not faults[task["taskArn"]]]
    if not good:
        raise NotYet(faults[tasks[0]["taskArn"]], "notebook 13 reads how a task ends, and why")
    return good[0]


def _fault(lab: Lab, mine: Entry, task: dict, digest: str) -> str:
    """What is wrong with a task; empty if nothing is."""
    container, status = task["containers"][0], task["lastStatus"]
    role = _execution_role(lab, task)
    if task.get("launchType") != "FARGATE":
        return "the task does not run on Fargate"
    if role != mine.execution_role:
        return f"the task pulls as {role}, not as {mine.execution_role}"
    if status == "STOPPED" and container.get("exitCode") != 0:
        code = container.get("exitCode")
        return f"the task ended with code {code}" if code is not None else "the task ended before its app began"
    if status not in ("RUNNING", "STOPPED"):
        return f"the task is {status}"
    if container.get("imageDigest") not in {digest, *_listed_in(lab, mine)}:
        return f"the task runs another image than {mine.release}"
    return ""


def _execution_role(lab: Lab, task: dict) -> str:
    """The name of the role by which ECS pulls for the task."""
    described = lab.client("ecs").describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    return described["taskDefinition"].get("executionRoleArn", "nobody").rpartition("/")[2]


def _listed_in(lab: Lab, mine: Entry) -> list[str]:
    """The images in the release, if it is an index: ECS may tell either digest."""
    return [each["digest"] for each in checks.stored(lab, mine.repository, imageTag=mine.release).get("manifests", [])]


def _page(lab: Lab, task: dict) -> str:
    """That the app's page answers, in words; on AWS nobody is let in from outside, so nothing is said there."""
    if lab.target != "sandbox":
        return ""
    if not task["containers"][0].get("networkBindings"):
        raise NotYet("the task runs, but opens no port", "notebook 13 names the port; or let the task end")
    try:
        status = workloads.answer(task, "/", PATIENCE).status_code
    except LabError:
        raise NotYet("the app in the task does not answer", "notebook 13 reads its log") from None
    if status != 200:
        raise NotYet(f"the app's page answers {status}", "notebook 13 reads its log")
    return ", and its page answers"


def _not_found_by_clean_up(lab: Lab, mine: Entry, task: dict) -> str:
    """Something that was made without the mark by which ``lab.clean_up`` finds it; empty if there is nothing."""
    found = people.made(lab) + workloads.made(lab)
    kinds = [f"user {mine.pusher}", f"role {mine.pusher}"]
    if not set(kinds) & set(found):
        return f"pusher {mine.pusher}"
    needed = [f"role {mine.execution_role}", f"cluster {task['clusterArn'].rpartition('/')[2]}"]
    needed += [f"task definition {task['taskDefinitionArn'].rpartition('/')[2]}"]
    needed += [f"log group {name}" for name in workloads.log_groups(lab, task["taskDefinitionArn"])]
    return next((each for each in needed if each not in found), "")
