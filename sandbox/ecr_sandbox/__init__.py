"""The local AWS: one process, a line of doors. ``python -m ecr_sandbox`` runs it (``__main__.py``, ``server.py``).

The way of a request, file by file:

    listener.py     before the doors: HTTP, and its limits; listeners.py gives every registry a port of its own
    house.py        says which line of doors leads where; doors.py says what a door is
    limits.py       0  how much may come, and what is broken
    guard.py        1  only from this machine, and from no foreign web page
    signature.py    2  who is it? The API signs; identity.py: docker has a password (token.py)
    validate.py     3  is the call what the service model says? validate_query.py: the same for IAM and STS
    authorize.py    4  may they? resources.py says what is asked, principals.py who asks, iam.py decides, with
                       iam_policy.py, iam_conditions.py, iam_patterns.py and repository_policy.py
    aws.py          5  moto answers, by ECR's rules in ecr/ and ecr_public/, with users.py, sts.py and bill/
    registry/       5  or, under /v2/, the registry does; hub/ is the stand-in for Docker Hub
    present.py      6  with addresses that work here
    services.py        what AWS has beside, loaded by its first call: ecs/ with Fargate (ecs_alive.py remembers what
                       runs), functions/ of Lambda, both led to their images by image_name.py; logs.py
    durable.py      7  and what has changed is on disk before the answer leaves: store.py, files.py

What a change leaves behind is done later: ecr/events.py tells of it, ecr/consequences.py says what follows from
what, jobs.py does it, by the time of clock.py:

    lifecycle/         images expire or go to the archive, as a repository's policy says
    scan/              images are looked into for known vulnerabilities
    ecr/replication/   copies in other registries
    ecr/events/        EventBridge is told; cloudwatch.py counts pulls, cbor.py is what its newer clients speak

What a pull fetches first: ecr/pull_through/. What a push creates: ecr/templates.py. ecr/archive.py moves images to the
archive and back.

What is refused, is refused in the words of words.py and common_errors.py. What the sandbox does by itself: mirror.py
and gc.py. What is there from the start: administrator.py and managed_policies.py.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

# The public names, and where each is defined. It is imported when it is first used, so `import ecr_sandbox` is fast.
_PUBLIC = {
    "SandboxError": "errors:SandboxError",
    # the background process
    "start": "background:start",
    "stop": "background:stop",
    "find": "background:find",
    "log_file": "background:log_file",
    "collect_garbage": "background:collect_garbage",
    "advance_clock": "background:advance_clock",
    "remembered_ports": "http.listeners:remembered",
    # the isolated environment
    "isolated_environment": "environment:isolated_environment",
    "apply_environment": "environment:apply",
    "is_isolated": "environment:is_isolated",
    "cell_names": "environment:cell_names",
    "docker_hub_names": "environment:hub_names",
    "venv_bin": "environment:venv_bin",
    # the Docker engine
    "docker_client": "docker_engine:client",
    "docker_variables": "docker_engine:variables",
    "docker_version": "docker_engine:cli_version",
    "explain_engine_error": "docker_engine:trouble",
    "install_docker": "docker_engine:install_docker",
    "is_remote_engine": "docker_engine:is_elsewhere",
    "make_reachable": "docker_engine:make_reachable",
    "pull_mirror": "docker_engine:learn_mirror",
    # the rules, as pure functions
    "Policy": "iam.evaluate:Policy",
    "Principal": "iam.evaluate:Principal",
    "RequestContext": "iam.evaluate:RequestContext",
    "decide": "iam.evaluate:decide",
    "parse_policy": "iam.evaluate:parse",
    "LifecycleImage": "services.ecr.lifecycle.evaluate:Image",
    "evaluate_lifecycle": "services.ecr.lifecycle.evaluate:evaluate",
    "parse_lifecycle_policy": "services.ecr.lifecycle.policy:parse",
    "is_tag_immutable": "services.ecr.tag_mutability:immutable",
    "scan_rule": "services.ecr.scan.rules:rule_for",
    "Caller": "auth.token:Caller",
    "RegistryTokens": "auth.token:Tokens",
    "prices": "services.cost_explorer.prices",
}
__all__ = sorted(_PUBLIC)

if TYPE_CHECKING:  # the same names for type checkers; a test compares both lists
    # ruff: noqa: F401
    from .auth.token import Caller
    from .auth.token import Tokens as RegistryTokens
    from .background import advance_clock, collect_garbage, find, log_file, start, stop
    from .docker_engine import cli_version as docker_version
    from .docker_engine import client as docker_client
    from .docker_engine import install_docker, make_reachable
    from .docker_engine import is_elsewhere as is_remote_engine
    from .docker_engine import learn_mirror as pull_mirror
    from .docker_engine import trouble as explain_engine_error
    from .docker_engine import variables as docker_variables
    from .environment import apply as apply_environment
    from .environment import cell_names, is_isolated, isolated_environment, venv_bin
    from .environment import hub_names as docker_hub_names
    from .errors import SandboxError
    from .http.listeners import remembered as remembered_ports
    from .iam.evaluate import Policy, Principal, RequestContext, decide
    from .iam.evaluate import parse as parse_policy
    from .services.cost_explorer import prices
    from .services.ecr.lifecycle.evaluate import Image as LifecycleImage
    from .services.ecr.lifecycle.evaluate import evaluate as evaluate_lifecycle
    from .services.ecr.lifecycle.policy import parse as parse_lifecycle_policy
    from .services.ecr.scan.rules import rule_for as scan_rule
    from .services.ecr.tag_mutability import immutable as is_tag_immutable
else:

    def __getattr__(name: str) -> object:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PUBLIC[name].partition(":")
        return resolve_name(f"{__name__}.{module}:{attribute}")
