"""Which registry fits a team's needs, and why."""

from dataclasses import dataclass

from ecr_sandbox import prices


@dataclass(frozen=True)
class Needs:
    """What a team needs of its registry."""

    public: bool = False  # anyone may find and pull some of the images
    private: bool = True  # some images are for members only
    anonymous_pulls: bool = False  # without any account, as a rule from a README
    members: int = 5
    private_repositories: int = 2
    runs_on_aws: bool = False  # ECS, EKS, Fargate, Lambda, EC2
    permissions_per_repository: bool = False  # by role, with conditions
    compliance: bool = False  # audit log, own keys, tags that cannot be moved, private network


@dataclass(frozen=True)
class Choice:
    """A recommendation, with the reasons for and against it."""

    registry: str
    reasons: tuple[str, ...]
    against: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.registry, *(f"  + {each}" for each in self.reasons), *(f"  - {each}" for each in self.against)]
        return "\n".join(lines)


_PRIVATE, _PUBLIC, _BOTH, _HUB = "Amazon ECR", "Amazon ECR Public", "Amazon ECR and Amazon ECR Public", "Docker Hub"


def choose(needs: Needs) -> Choice:
    """Which registry, and why: each reason for and against comes from an answer in *needs*.

    ValueError if the images are neither public nor private.
    """
    shared = needs.public or needs.anonymous_pulls
    if not shared and not needs.private:
        raise ValueError("say what the images are: public, private, or some of each")
    in_aws = _BOTH if shared and needs.private else _PUBLIC if shared else _PRIVATE
    aws, hub = _for_aws(needs, shared), _for_hub(needs)
    weight = sum(points for points, _ in aws) - sum(points for points, _ in hub)
    pick, reasons, others = (in_aws, aws, hub) if weight > 0 else (_HUB, hub, aws)
    return Choice(
        pick, tuple(text for _, text in reasons), (*_weak_points(pick, needs, shared), *(text for _, text in others))
    )


def _for_aws(needs: Needs, shared: bool) -> list[tuple[int, str]]:
    """The reasons for AWS's registries, each with its weight."""
    reasons = {
        "ECR is next to where your containers run: pulls inside the Region cost nothing": 3 * needs.runs_on_aws,
        "ECR asks IAM at each push and pull: a policy per role and repository, no accounts of its own": (
            2 * needs.permissions_per_repository
        ),
        "ECR has CloudTrail, KMS keys, immutable tags, scans and private endpoints at every size": 2 * needs.compliance,
        "ECR has no seats: members cost nothing, gigabytes do": 1 * (needs.private and needs.members > 1),
        "ECR Public charges nothing for pulls from AWS, however many": 1 * (shared and needs.runs_on_aws),
    }
    return [(points, text) for text, points in reasons.items() if points]


def _for_hub(needs: Needs) -> list[tuple[int, str]]:
    """The reasons for Docker Hub, each with its weight."""
    fits_free_plan = needs.members == 1 and needs.private_repositories <= (
        prices.plans()["personal"].private_repositories or 0
    )
    reasons = {
        "people search Docker Hub first, and docker pull uses it when the name has no registry": (
            2 * needs.anonymous_pulls
        ),
        "Docker Hub keeps public repositories free of charge, with a page that people find": (
            1 * (needs.public and not needs.anonymous_pulls)
        ),
        "Docker Hub needs no cloud account, and charges nothing for what goes over the internet": (
            2 * (not needs.runs_on_aws)
        ),
        "Docker Hub's Personal plan is free and has the one private repository you need": (
            1 * (needs.private and fits_free_plan)
        ),
    }
    return [(points, text) for text, points in reasons.items() if points]


def _weak_points(pick: str, needs: Needs, shared: bool) -> list[str]:
    """What users of the registry complain about, as far as it concerns these needs."""
    hub = prices.facts()["docker_hub"]
    public = {each["key"]: each for each in prices.facts()["ecr_public"]}
    if pick == _HUB:
        found = [
            f"pulls are limited: {hub['anonymous']['pulls_per_6_hours']} in 6 hours for an address, "
            f"{prices.plans()['personal'].pulls_per_6_hours} for a free account; then toomanyrequests",
            "limits and prices have been changed, and changed back, at short notice",
        ]
        if needs.private and needs.members > 1:
            found.append(f"a team pays for each person: ${prices.plans()['team'].usd():g} a month on the Team plan")
        return found
    found = []
    if needs.private:
        found += [
            "a docker login lasts 12 hours, and a repository must exist before its first push",
            "you pay for each image until it is deleted: a lifecycle rule expires old ones",
        ]
    if shared:
        found.append(
            f"without an account, ECR Public serves {public['free_anonymous']['amount']} GB a month to an address, "
            "then nothing; few people search there"
        )
    if needs.runs_on_aws:
        found.append(
            f"pulls through a NAT gateway cost ${prices.usd('nat', 'beside_ecr'):g} a GB, unless there is the free S3 "
            "gateway endpoint"
        )
    else:
        found.append(
            f"pulls over the internet cost ${prices.usd('internet'):g} a GB, after the first "
            f"{prices.free_internet_gb()} GB of a month"
        )
    return found
