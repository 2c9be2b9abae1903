"""The checks of notebooks 10 to 14."""

import ecr_sandbox
from helpers import catch_up, cleanup, fargate, settings
from helpers.lab import Lab

from . import estimate, permissions
from .checks import NotYet, as_names, exercise
from .lookup import SCAN_DONE, digests_by_tag, exclusion_filters, image, is_immutable, repository, scan_state

SCANNED = f"{settings.PREFIX}scan-repo"  # the repository of notebook 10
TEAM, NOT_TEAM = ("team-shop", "team-shop/api", "team-1"), ("shop", "my-team-shop", "steam-shop", settings.REPOSITORY)


@exercise("10.1")
def sorted_findings(lab: Lab, answer: object = None) -> str:
    """The findings of old are sorted into those that a rebuild removes and those that need an exception.

    *answer* is ``{"rebuild": [...], "exception": [...]}``. The right one comes from the scans of old and fixed, so it
    is also right on AWS, where the findings differ.
    """
    names = [_finding_names(lab, tag) for tag in ("old", "fixed")]
    right = {"rebuild": names[0] - names[1], "exception": names[0] & names[1]}
    if not isinstance(answer, dict) or set(answer) != set(right):
        raise NotYet('the answer has two lists, "rebuild" and "exception"', "fill in both lists, one may be empty")
    given = {kind: as_names(answer[kind]) for kind in right}
    if both := given["rebuild"] & given["exception"]:
        raise NotYet(f"{min(both)} is in both lists", "a fix exists, or it does not")
    listed = given["rebuild"] | given["exception"]
    if missing := names[0] - listed:
        raise NotYet(f"{len(missing)} of {len(names[0])} findings of old are in no list", "all pages of findings count")
    if more := listed - names[0]:
        raise NotYet(f"{min(more)} is not a finding of old", "describe_image_scan_findings of the tag old")
    if given != right:
        raise NotYet("at least one finding is in the wrong list", "what does the scan of fixed still find?")
    return f"{len(right['rebuild'])} to fix by a rebuild, {len(right['exception'])} without a fix for an exception"


def _finding_names(lab: Lab, tag: str) -> set[str]:
    """The names of the findings of this image in notebook 10's repository, basic or enhanced; NotYet without a scan."""
    image(lab, SCANNED, tag, "run the notebook from its top")
    status, names = scan_state(lab.client(), SCANNED, imageTag=tag)
    if status not in SCAN_DONE:
        raise NotYet(f"{tag} has no result of a scan", "start_image_scan, then wait until it is complete")
    return names


@exercise("10.2")
def scans_only_team_repositories(lab: Lab) -> str:
    """The registry scans on push in the repositories whose names begin with team-, and in no other."""
    config = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]
    if config["scanType"] != "BASIC":
        raise NotYet(f"the registry's type of scan is {config['scanType']}", "--scan-type BASIC")
    for name in TEAM:
        if not ecr_sandbox.scan_rule(name, config).on_push:
            raise NotYet(f"a repository {name} would not be scanned on push", "SCAN_ON_PUSH and a filter with a *")
    for name in NOT_TEAM:
        if ecr_sandbox.scan_rule(name, config).on_push:
            raise NotYet(
                f"a repository {name} would be scanned, too", "without a * a filter matches every name that contains it"
            )
    return "what is pushed to team-… is scanned, and nothing else"


PROTECTED, DEPLOYED = (
    f"{settings.PREFIX}protected-repo",
    f"{settings.PREFIX}deploy-repo",
)  # the repositories of notebook 11
MUTABLE = ("nightly", "branch-login", "branch-42")
IMMUTABLE = ("latest", "v1", "1.4.2", "git-1a2b3c4", "nightly-2", "branch", "a-nightly", "release-branch-1")


@exercise("11.1")
def locks_all_tags_but_two_kinds(lab: Lab) -> str:
    """In demo-protected-repo all tags are locked except nightly and branch-…, by any filters that do it."""
    found = repository(lab, PROTECTED)
    mode = found["imageTagMutability"]
    filters = exclusion_filters(found)
    for tag in IMMUTABLE:
        if not is_immutable(found, tag):
            raise NotYet(
                f"a tag {tag} could still move: the mode is {mode}, the filters are {', '.join(filters) or 'none'}",
                "IMMUTABLE_WITH_EXCLUSION locks all tags except those that match a filter",
            )
    for tag in MUTABLE:
        if is_immutable(found, tag):
            raise NotYet(f"a tag {tag} cannot move", "it needs an exclusion filter that matches the whole tag")
    return f"all tags of {PROTECTED} are locked, except nightly and branch-…"


@exercise("11.2")
def pinned(lab: Lab, address: object = None) -> str:
    """In demo-deploy-repo only dev-… may move, and *address* names the image of latest by its digest."""
    found = repository(lab, DEPLOYED)
    for tag in ("latest", "v1", "1.4.2", "developer", "my-dev-1"):
        if not is_immutable(found, tag):
            raise NotYet(f"a push could still overwrite {DEPLOYED}:{tag}", "look at the mode, then at each filter")
    for tag in ("dev-ann", "dev-42"):
        if is_immutable(found, tag):
            raise NotYet(f"developers cannot overwrite {DEPLOYED}:{tag}", "a filter must match the whole tag")
    latest = digests_by_tag(lab, DEPLOYED).get("latest")
    if not latest:
        raise NotYet("latest is not there", "run the notebook from its top: the story pushes it")
    host, _, name = str(address).rpartition("/")
    if host != lab.registry or name.partition("@")[0].partition(":")[0] != DEPLOYED:
        raise NotYet(f"{address} is not an address in {DEPLOYED}", "registry, repository, and what names the image")
    if "@" not in name:
        raise NotYet(f"{address} names a tag, and a tag can be deleted and pushed again", "what never moves?")
    if name.partition("@")[2] != latest:
        raise NotYet("the address names another image than latest", "describe_images shows imageDigest")
    return "the deployment names one image, and only dev-… can be overwritten"


LIFECYCLE = f"{settings.PREFIX}lifecycle-repo"  # the repository of notebook 12
KEEP_RELEASES, KEEP_BUILDS, LEFTOVER_DAYS = 10, 3, 7
DAY = 24 * 60 * 60


@exercise("12.1")
def expires_by_three_rules(lab: Lab) -> str:
    """The policy keeps the newest releases and developers' builds, and leftovers for a week, however it is written."""
    Image = ecr_sandbox.LifecycleImage
    repository(lab, LIFECYCLE)
    ecr = lab.client()
    try:
        rules = ecr_sandbox.parse_lifecycle_policy(
            ecr.get_lifecycle_policy(repositoryName=LIFECYCLE)["lifecyclePolicyText"]
        )
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        raise NotYet(f"{LIFECYCLE} has no lifecycle policy", "put_lifecycle_policy takes the text") from None
    images = [Image(f"v{n}.0", (f"v{n}.0",), -50 * DAY + n) for n in range(1, KEEP_RELEASES + 3)]
    images += [Image(f"dev-{n}", (f"dev-{n}",), -60 * DAY + n) for n in range(1, KEEP_BUILDS + 3)]
    images += [Image("latest", ("latest",), -90 * DAY), Image("one release with two tags", ("v0.1", "stable"), -DAY)]
    images += [Image(f"a leftover of {n} days", (), -n * DAY) for n in (LEFTOVER_DAYS - 1, LEFTOVER_DAYS + 1)]
    expected = {"v1.0", "v2.0", "v3.0", "dev-1", "dev-2", f"a leftover of {LEFTOVER_DAYS + 1} days"}
    verdicts = ecr_sandbox.evaluate_lifecycle(rules, images, 0)
    expired = {name for name, verdict in verdicts.items() if verdict.action == "expire"}
    for name in (each.digest for each in images):
        if name in expected - expired:
            raise NotYet(f"{name} would stay", "three rules: tagged v*, tagged dev-*, and untagged")
        if name in expired - expected:
            raise NotYet(f"{name} would expire", "imageCountMoreThan is the number of images that stay")
    return f"{LIFECYCLE} keeps {KEEP_RELEASES} releases, {KEEP_BUILDS} builds, and leftovers for {LEFTOVER_DAYS} days"


@exercise("12.2")
def estimated(lab: Lab, answer: object = None) -> str:
    """What a team's images cost in their first months: ``(GB-months, dollars)``, typed in and compared."""
    return estimate.compare(estimate.team(), answer)


@exercise("13.1")
def ran_by_digest(lab: Lab) -> str:
    """A task of the family demo-pinned has run demo-app-repo by its digest and ended with code 0."""
    ended = tasks_of(lab, f"{settings.PREFIX}pinned")
    if not ended:
        raise NotYet("no task of the family demo-pinned has stopped yet", "register_task_definition, then run_task")
    by_digest = [each for each in ended if f"/{settings.REPOSITORY}@sha256:" in each["containers"][0]["image"]]
    if not by_digest:
        raise NotYet(f"its image is {ended[0]['containers'][0]['image']}", "an address ends in @ and the digest")
    codes = [each["containers"][0].get("exitCode") for each in by_digest]
    if 0 not in codes:
        why = f"exit code {codes[0]}" if codes[0] is not None else by_digest[0]["stoppedReason"].partition(":")[0]
        raise NotYet(f"the task did not end well: {why}", "its log says more")
    return "demo-pinned ran the image of one digest, and ended with code 0"


@exercise("13.2")
def fixed_role(lab: Lab) -> str:
    """A task of the family demo-broken has run, by a role that may pull demo-app-repo and nothing else."""
    ended = tasks_of(lab, f"{settings.PREFIX}broken")
    if not any("startedAt" in each for each in ended):
        raise NotYet("no task of demo-broken has run yet", "the last stoppedReason names a step of the pull")
    role = permissions.of_role(lab.client("iam"), f"{settings.PREFIX}broken")
    if role is None:
        raise NotYet("there is no role demo-broken", "run the cell that makes it once more")
    arn = repository(lab, settings.REPOSITORY)["repositoryArn"]
    for action in sorted(permissions.PULL):
        if not permissions.allowed(role, action, arn):
            raise NotYet(f"demo-broken may not do all that a pull of {settings.REPOSITORY} needs", "run the task again")
    if more := permissions.beyond_pull(lab, role, arn):
        raise NotYet(f"demo-broken may also do {more}", "name the actions of a pull, on this repository")
    return f"demo-broken pulls {settings.REPOSITORY} and runs, by a role that allows no more than it needs"


def tasks_of(lab: Lab, family: str) -> list[dict]:
    """The tasks of a family in demo-cluster that have stopped, the newest first; NotYet without the cluster."""
    ecs = lab.client("ecs")
    try:
        found = fargate.tasks(ecs, f"{settings.PREFIX}cluster", family=family, desiredStatus="STOPPED")
    except ecs.exceptions.ClusterNotFoundException:
        raise NotYet("there is no demo-cluster", "run the notebook from its top") from None
    stopped = [each for each in found if each["lastStatus"] == "STOPPED"]
    return sorted(stopped, key=lambda each: each["createdAt"], reverse=True)


@exercise("14.2")
def nothing_left(lab: Lab) -> str:
    """Nothing that this tutorial made exists any more, in AWS or on this machine."""
    if left := cleanup.everything_made(lab):
        raise NotYet(f"{left[0]} is still there", "delete-repository --force, docker rmi, or lab.clean_up()")
    if catch_up.is_logged_in(lab):
        raise NotYet("Docker is still logged in", 'docker logout "$REGISTRY"')
    return "nothing that this tutorial made is left"
