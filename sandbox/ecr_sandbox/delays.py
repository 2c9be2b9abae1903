"""How long AWS usually takes for what is immediate here; ``--as-slow-as-aws`` applies it.

AWS promises none of these times. They are usual ones, measured by others where a source is named, else estimates.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Delays:
    """Seconds; 0 where nothing is delayed."""

    # Until a change of keys, users, roles or policies has an effect: https://github.com/99designs/aws-vault/pull/170;
    # "a few seconds (usually) to a minute": https://github.com/DataDog/stratus-red-team/pull/358.
    iam_change: float = 0
    # PENDING before the pull; a minute with the pull of 250 MB: https://github.com/aws/containers-roadmap/issues/696.
    fargate_start: float = 0
    log_events: float = 0  # from a line of a container to FilterLogEvents
    scan: float = 0  # a basic scan; minutes on AWS for a large image
    preview: float = 0  # of a lifecycle policy: IN_PROGRESS before COMPLETE
    # Whether the first call that needs ECS's service-linked role is refused: services/ecs/first_use.py.
    ecs_first_use: bool = False


AS_AWS = Delays(iam_change=8, fargate_start=20, log_events=5, scan=8, preview=5, ecs_first_use=True)
current = Delays()
