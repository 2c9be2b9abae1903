"""Exercise 05.2: Docker's login for the registry, in the configuration of ``docker``."""

import base64
import json
import os
import random
from pathlib import Path

from helpers import catch_up, settings
from helpers.errors import LabError
from helpers.lab import Lab

from .kinds import Facts, Kind, NotPossible
from .tools import ecr_in, last_line, other_region

HELPERS = ("ecr-login-v2", "ecr-token", "aws-ecr")  # no program docker-credential-… has one of these names
USERS = ("aws", "administrator", "ecr")


def _wrong_region(lab: Lab, _: random.Random) -> Facts:
    region = other_region(lab)
    _log_in(lab, lab.registry, "AWS", _password(ecr_in(region)))
    return {**_refused(lab), "region": region}


def _other_host(lab: Lab, _: random.Random) -> Facts:
    host = _other(lab)
    _log_in(lab, host, "AWS", lab.password())
    return {**_refused(lab), "host": host}


def _truncated(lab: Lab, rng: random.Random) -> Facts:
    password = lab.password()
    _log_in(lab, lab.registry, "AWS", password[: -rng.randrange(20, 60)])
    return _refused(lab)


def _wrong_user(lab: Lab, rng: random.Random) -> Facts:
    user = rng.choice(USERS)
    _log_in(lab, lab.registry, user, lab.password())
    return {**_refused(lab), "user": user}


def _missing_helper(lab: Lab, rng: random.Random) -> Facts:
    helper = rng.choice(HELPERS)
    _log_in(lab, _other(lab), "AWS", lab.password())
    config = _read()
    config["auths"].pop(_other(lab))
    config.setdefault("credHelpers", {})[lab.registry] = helper
    _write(config)
    return {**_refused(lab), "helper": helper}


def remove_missing_helper(lab: Lab) -> None:
    """Remove the credential helper that ``prepare("05.2")`` named for the registry, if it is still there."""
    config = _read()
    if config.get("credHelpers", {}).get(lab.registry) in HELPERS:
        del config["credHelpers"][lab.registry]
        _write(config)


def _refused(lab: Lab) -> Facts:
    """What docker prints when it pulls from the registry."""
    return {"message": last_line(f"docker pull {lab.registry}/{settings.REPOSITORY}:v1")}


def _still_refused(lab: Lab, _: Facts) -> str:
    try:
        logged_in = catch_up.is_logged_in(lab)
    except LabError:
        return f"docker cannot read its credentials for {lab.registry}"
    return "" if logged_in else f"docker still has no credentials that {lab.registry} accepts"


def _log_in(lab: Lab, host: str, user: str, password: str) -> None:
    """Store this login under the host, and no other login for the registry.

    ``docker login`` would refuse a wrong one. NotPossible if the learner's own credential helper serves the registry.
    """
    import docker.credentials

    remove_missing_helper(lab)
    config = _read()
    serving = config.get("credHelpers", {})
    if lab.registry in serving or host in serving or config.get("credsStore") == "ecr-login":
        raise NotPossible
    auths = config.setdefault("auths", {})
    for name in (lab.registry, _other(lab)):
        auths.pop(name, None)
    if store := config.get("credsStore"):
        keychain = docker.credentials.Store(store)
        keychain.erase(lab.registry)
        keychain.store(host, user, password)
        auths[host] = {}
    else:
        auths[host] = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    _write(config)


def _other(lab: Lab) -> str:
    """The registry's address with another port, or on AWS with another Region."""
    name, _, port = lab.registry.partition(":")
    return f"{name}:{int(port) + 1000}" if port else name.replace(lab.region, other_region(lab))


def _password(ecr) -> str:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def _path() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser() / "config.json"


def _read() -> dict:
    return json.loads(_path().read_text()) if _path().exists() else {}


def _write(config: dict) -> None:
    new = _path().with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(config, indent=4))
    new.replace(_path())


KINDS = {
    "wrong-region": Kind(_wrong_region, _still_refused),
    "other-host": Kind(_other_host, _still_refused),
    "truncated": Kind(_truncated, _still_refused),
    "wrong-user": Kind(_wrong_user, _still_refused),
    "missing-helper": Kind(_missing_helper, _still_refused),
}
