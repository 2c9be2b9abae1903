"""The checks of notebooks 10 to 14."""

import ecr_sandbox
from helpers import catch_up, cleanup, fargate, scans, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import config, count_untagged, digests_by_tag, exclusion_filters, image, repository

SCANNED = "demo-scan-repo"  # the repository of notebook 10
SEVERE = ("CRITICAL", "HIGH")
TEAM, NOT_TEAM = ("team-shop", "team-shop/api", "team-1"), ("shop", "my-team-shop", "steam-shop", "demo-app-repo")


@exercise("10.1")
def released_without_fixable_findings(lab: Lab) -> str:
    """The last scan of the image with the tag release found nothing of HIGH or CRITICAL severity that has a fix."""
    image(lab, SCANNED, "release", "findings of each tag, then batch_get_image and put_image with imageTag release")
    ecr = lab.client()
    try:
        scan = scans.last(ecr, SCANNED, {"imageTag": "release"})
    except ecr.exceptions.ScanNotFoundException:
        raise NotYet("release was not scanned", "start_image_scan, or section 8 once more") from None
    if "imageScanFindings" not in scan:
        raise NotYet("there is no result for release", "wait until the scan is complete")
    found = scans.vulnerabilities(scan)
    fixable = [each for each in found if each.fixable and each.severity in SEVERE]
    if fixable:
        listed = ", ".join(f"{each.id} in {each.package}" for each in fixable[:3])
        raise NotYet(f"release has severe findings with a fix: {listed}", "take the image that has no such finding")
    return f"release is an image of {SCANNED} without a severe finding that has a fix ({len(found)} others)"


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


PROTECTED, DEPLOYED = "demo-protected-repo", "demo-deploy-repo"  # the repositories of notebook 11
MUTABLE = ("nightly", "branch-login", "branch-42")
IMMUTABLE = ("latest", "v1", "1.4.2", "git-1a2b3c4", "nightly-2", "branch", "a-nightly", "release-branch-1")


@exercise("11.1")
def locks_all_tags_but_two_kinds(lab: Lab) -> str:
    """In demo-protected-repo all tags are locked except nightly and branch-…, by any filters that do it."""
    found = repository(lab, PROTECTED)
    mode = found["imageTagMutability"]
    filters = exclusion_filters(found)
    for tag in IMMUTABLE:
        if not ecr_sandbox.is_tag_immutable(tag, mode, filters):
            raise NotYet(
                f"a tag {tag} could still move: the mode is {mode}, the filters are {', '.join(filters) or 'none'}",
                "IMMUTABLE_WITH_EXCLUSION locks all tags except those that match a filter",
            )
    for tag in MUTABLE:
        if ecr_sandbox.is_tag_immutable(tag, mode, filters):
            raise NotYet(f"a tag {tag} cannot move", "it needs an exclusion filter that matches the whole tag")
    return f"all tags of {PROTECTED} are locked, except nightly and branch-…"


@exercise("11.2")
def rolled_back(lab: Lab) -> str:
    """In demo-deploy-repo rollback points to release 1, and latest still points to release 2."""
    tags = digests_by_tag(lab, DEPLOYED)
    if "latest" not in tags:
        raise NotYet("latest is not there", "run the notebook from its top: the story pushes it")
    if "rollback" not in tags:
        raise NotYet(f"{DEPLOYED} has no tag rollback yet", "batch_get_image by its digest, then put_image")
    release = (config(lab, DEPLOYED, "rollback").get("Labels") or {}).get("release")
    if release != "1":
        raise NotYet(
            f"rollback is release {release or 'unknown'}, and release 1 ran on Monday",
            "the image without a tag, before this exercise: list_images, tagStatus UNTAGGED",
        )
    return "rollback points to the image that ran on Monday"


LIFECYCLE = "demo-lifecycle-repo"  # the repository of notebook 12
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
def cost_of_nat(lab: Lab, usd: object = 0) -> str:
    """40 tasks a day that pull 250 MB through a NAT gateway, for 30 days."""
    right = 40 * 0.25 * 30 * ecr_sandbox.prices.usd("nat", "beside_ecr")
    if not isinstance(usd, int | float) or abs(usd - right) > 0.01:
        raise NotYet(f"{usd} is not what NAT costs", "tasks × gigabytes × days × the price of a gigabyte")
    return f"${right:.2f} a month, for pulls that ECR does not charge"


@exercise("13.1")
def ran_by_digest(lab: Lab) -> str:
    """A task of the family demo-pinned has run demo-app-repo by its digest and ended with code 0."""
    ended = tasks_of(lab, "demo-pinned")
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
    """A task of the family demo-broken has run, with a role that does not allow everything."""
    ended = tasks_of(lab, "demo-broken")
    if not any("startedAt" in each for each in ended):
        raise NotYet("no task of demo-broken has run yet", "the last stoppedReason names a step of the pull")
    allowed = role_actions(lab, "demo-broken")
    if any("*" in action for action in allowed):
        raise NotYet("demo-broken may do more than it needs", "name the actions, without *")
    return "demo-broken pulls and runs, by a role that allows no more than it needs"


def tasks_of(lab: Lab, family: str) -> list[dict]:
    """The tasks of a family in demo-cluster that have stopped, the newest first; NotYet without the cluster."""
    ecs = lab.client("ecs")
    try:
        found = fargate.tasks(ecs, "demo-cluster", family=family, desiredStatus="STOPPED")
    except ecs.exceptions.ClusterNotFoundException:
        raise NotYet("there is no demo-cluster", "run the notebook from its top") from None
    stopped = [each for each in found if each["lastStatus"] == "STOPPED"]
    return sorted(stopped, key=lambda each: each["createdAt"], reverse=True)


def role_actions(lab: Lab, name: str) -> list[str]:
    """The actions that the role's inline policies allow, and ``*`` if it has attached ones."""
    iam = lab.client("iam")
    found = ["*"] if iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] else []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
        for each in statements if isinstance(statements, list) else [statements]:
            actions = each.get("Action", "*") if each["Effect"] == "Allow" else []
            found += [actions] if isinstance(actions, str) else actions
    return found


@exercise("14.1")
def deleted_untagged(lab: Lab) -> str:
    """left-behind contains the image latest, and no image without a tag."""
    if "latest" not in digests_by_tag(lab, "left-behind"):
        raise NotYet("latest is gone too", "run the cells of this section again; then delete only UNTAGGED")
    if left := count_untagged(lab, "left-behind"):
        raise NotYet(
            f"left-behind still holds {left} without a tag", "list_images with a filter, then batch_delete_image"
        )
    return "left-behind holds latest and nothing without a tag"


@exercise("14.2")
def nothing_left(lab: Lab) -> str:
    """Nothing that this tutorial made exists any more, in AWS or on this machine."""
    if left := cleanup.everything_made(lab):
        raise NotYet(f"{left[0]} is still there", "delete-repository --force, docker rmi, or lab.clean_up()")
    if catch_up.is_logged_in(lab):
        raise NotYet("Docker is still logged in", 'docker logout "$REGISTRY"')
    return "nothing that this tutorial made is left"
