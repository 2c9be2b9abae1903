"""A local Amazon ECR: one process that answers the AWS APIs and the OCI distribution protocol, without an account.

The way of a request; ``app.py`` builds it:

1. ``http/``: ``server.py`` reads it, ``limits.py`` and ``origin.py`` refuse what is too large or foreign.
2. ``auth/``: who sent it? ``sigv4.py`` checks the signature of an API call, ``basic.py`` the password of ``docker``.
3. ``aws/``: ``validation.py`` checks parameters, ``call.py`` reads the call, ``transaction.py`` begins its transaction.
4. ``iam/``: ``authorization.py`` decides whether the principal may do what the service's ``authorization.py`` asks for.
5. ``aws/dispatch.py`` calls the service's code in ``services/``, or moto's. Paths under ``/v2/`` lead to ``registry/``:
   ``routes.py`` has a function for each endpoint, with the rules of ``services/ecr/``.
6. ``http/addresses.py`` gives the answer addresses that work here. ``state/`` has the change on disk before it leaves.

A change publishes an event (``registry/events.py``). Services subscribe to it and add jobs (``state/jobs.py``). The web
console in ``console/`` is a client of the API.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

# The public names, and where each is defined. It is imported when it is first used, so `import ecr_sandbox` is fast.
_PUBLIC = {
    "SandboxError": "errors:SandboxError",
    # the settings of a sandbox
    "Settings": "settings:Settings",
    "read_port": "settings:read_port",
    **{
        name: f"settings:{name}"
        for name in (
            "ACCESS_KEY",
            "ACCOUNT",
            "BASE_IMAGE",
            "DEFAULT_PORT",
            "MIRROR_REPOSITORY",
            "MIRROR_TAG",
            "OTHER_ACCESS_KEY",
            "OTHER_ACCOUNT",
            "OTHER_PROFILE",
            "OTHER_SECRET_KEY",
            "REGION",
            "SECRET_KEY",
        )
    },
    # the background process
    "start": "background:start",
    "stop": "background:stop",
    "find": "background:find",
    "running": "background:running",
    "log_file": "background:log_file",
    "collect_garbage": "background:collect_garbage",
    "advance_clock": "background:advance_clock",
    "remembered_ports": "http.listeners:remembered",
    "is_port_free": "http.localhost:is_free",
    # the command ecr-sandbox
    "command_group": "cli:commands",
    "run_command_group": "cli:run",
    "print_environment": "cli:print_environment",
    # the HTTP server, with its limits
    "HttpListener": "http.server:Listener",
    # the isolated environment
    "isolated_environment": "environment:isolated_environment",
    "docker_environment": "environment:docker_environment",
    "apply_environment": "environment:apply",
    "is_isolated": "environment:is_isolated",
    "prepend_path": "environment:prepend",
    "registry_names": "environment:registry_names",
    "docker_hub_names": "environment:hub_names",
    "venv_bin": "environment:venv_bin",
    # the Docker engine
    "EngineMissing": "docker_engine:EngineMissing",
    "docker_client": "docker_engine:client",
    "docker_variables": "docker_engine:variables",
    "docker_version": "docker_engine:cli_version",
    "explain_engine_error": "docker_engine:explain_engine_error",
    "install_docker": "docker_engine:install_docker",
    "is_remote_engine": "docker_engine:is_remote_engine",
    "make_reachable": "docker_forwarder:make_reachable",
    "pull_mirror": "docker_engine:pull_mirror",
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
    "has_known_fix": "services.ecr.scan.advisories:has_known_fix",
    "Caller": "auth.token:Caller",
    "RegistryTokens": "auth.token:Tokens",
    "prices": "services.cost_explorer.prices",
}
__all__ = sorted(_PUBLIC)

if TYPE_CHECKING:  # the same names for type checkers; a test compares both lists
    # ruff: noqa: F401
    from .auth.token import Caller
    from .auth.token import Tokens as RegistryTokens
    from .background import advance_clock, collect_garbage, find, log_file, running, start, stop
    from .cli import commands as command_group
    from .cli import print_environment
    from .cli import run as run_command_group
    from .docker_engine import EngineMissing, explain_engine_error, install_docker, is_remote_engine, pull_mirror
    from .docker_engine import cli_version as docker_version
    from .docker_engine import client as docker_client
    from .docker_engine import variables as docker_variables
    from .docker_forwarder import make_reachable
    from .environment import apply as apply_environment
    from .environment import docker_environment, is_isolated, isolated_environment, registry_names, venv_bin
    from .environment import hub_names as docker_hub_names
    from .environment import prepend as prepend_path
    from .errors import SandboxError
    from .http.listeners import remembered as remembered_ports
    from .http.localhost import is_free as is_port_free
    from .http.server import Listener as HttpListener
    from .iam.evaluate import Policy, Principal, RequestContext, decide
    from .iam.evaluate import parse as parse_policy
    from .services.cost_explorer import prices
    from .services.ecr.lifecycle.evaluate import Image as LifecycleImage
    from .services.ecr.lifecycle.evaluate import evaluate as evaluate_lifecycle
    from .services.ecr.lifecycle.policy import parse as parse_lifecycle_policy
    from .services.ecr.scan.advisories import has_known_fix
    from .services.ecr.scan.rules import rule_for as scan_rule
    from .services.ecr.tag_mutability import immutable as is_tag_immutable
    from .settings import (
        ACCESS_KEY,
        ACCOUNT,
        BASE_IMAGE,
        DEFAULT_PORT,
        MIRROR_REPOSITORY,
        MIRROR_TAG,
        OTHER_ACCESS_KEY,
        OTHER_ACCOUNT,
        OTHER_PROFILE,
        OTHER_SECRET_KEY,
        REGION,
        SECRET_KEY,
        Settings,
        read_port,
    )
else:

    def __getattr__(name: str) -> object:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PUBLIC[name].partition(":")
        return resolve_name(f"{__name__}.{module}:{attribute}")
