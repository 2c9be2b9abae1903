"""The learner of a rehearsal: a home folder, profiles of AWS, logins of Docker, and the environment that they give.

Most profiles and logins have nothing to do with the course, which must not change them.
"""

import base64
import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from machine.account import ACCOUNT, REGION, client
from machine.project import ROOT, base_image_layout, settings
from machine.say import Stop

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
HUB_PORT = "5250"
START_LIMIT = 60.0
USER = "rehearsal"
SECOND = "rehearsal-second"  # the profile of a second account, for notebook 03
POLICY = "LEARN_AMAZON_ECR_POLICY"  # the file in docs/ with the learner's permissions, instead of an administrator's
OTHER_LEARNER = "LEARN_AMAZON_ECR_OTHER_LEARNER"  # set: another one with the default prefix has used the account
PREFIX, DEFAULT_PREFIX = "ECR_TUTORIAL_PREFIX", "demo-"
PROFILES = ("default", "demo", "demo-pusher", "other-account", "work", "sandbox", "learn-ecr", "test", "a-b")
REGISTRIES = (
    f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",  # the very one of the course
    f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com",
    f"{settings.OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
    "public.ecr.aws",
    "https://index.docker.io/v1/",
    "ghcr.io",
    "localhost:5050",
    f"localhost:{HUB_PORT}",
    "registry.example",
)


def environment(folder: Path) -> dict[str, str]:
    """The environment of a learner whose home is in *folder*; this process trusts the same certificates then."""
    home = folder / "home"
    _write_logins(home / ".docker")
    chosen = prefix()
    for name in [name for name in os.environ if name.startswith(("AWS_", "ECR_TUTORIAL_", "ECR_SANDBOX_", "DOCKER_"))]:
        del os.environ[name]
    os.environ |= {**trust(), PREFIX: chosen}
    _write_profiles(home / ".aws", _user())
    return os.environ | {
        "HOME": str(home),
        "AWS_PROFILE": USER,
        "ECR_TUTORIAL_TARGET": "aws",
        "ECR_TUTORIAL_CONFIRM": f"{ACCOUNT},{settings.OTHER_ACCOUNT}",
        "ECR_TUTORIAL_OTHER_PROFILE": SECOND,
        "ECR_TUTORIAL_STATE": str(folder / "course"),
        "ECR_TUTORIAL_PORT": HUB_PORT,
        "ECR_TUTORIAL_BASE": str(base_image_layout()),
    }


def prefix() -> str:
    """The beginning of the names of all that the course makes."""
    return os.environ.get(PREFIX) or DEFAULT_PREFIX


def handed_out(file: str) -> str:
    """The text of a policy in docs/ as a teacher gives it to a learner: with the learner's prefix."""
    return (ROOT / "docs" / file).read_text().replace(DEFAULT_PREFIX, prefix())


def decisions(log: Path) -> list[dict[str, Any]]:
    """What IAM decided about the learner, of a log of its decisions."""
    lines = log.read_text().splitlines()
    return [each for line in lines if (each := json.loads(line))["principal"].endswith(f":user/{USER}")]


def trust() -> dict[str, str]:
    """The variables of programs that have certificates of their own, as boto3, requests and curl."""
    return dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(CERTIFICATES))


def _write_profiles(folder: Path, key: tuple[str, str]) -> None:
    """The learner's profile, one of an administrator of a second account, and others."""
    folder.mkdir(parents=True)
    config = [f"[profile {USER}]\nregion = {REGION}\noutput = json\n"]
    config += [f"[{'profile ' if name != 'default' else ''}{name}]\nregion = ap-south-1\n" for name in PROFILES]
    (folder / "config").write_text("".join(config))
    keys = {USER: key, SECOND: (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)}
    keys |= {name: (f"AKIAIOSFODNN7EXAMPL{number}", "theirs") for number, name in enumerate(PROFILES)}
    text = "".join(
        f"[{name}]\naws_access_key_id = {its}\naws_secret_access_key = {secret}\n"
        for name, (its, secret) in keys.items()
    )
    (folder / "credentials").write_text(text)


def _write_logins(folder: Path) -> None:
    """Docker's configuration: what this machine has (plugins, proxies), logins and a credential helper."""
    folder.mkdir(parents=True)
    theirs = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if (theirs / "cli-plugins").is_dir():
        (folder / "cli-plugins").symlink_to(theirs / "cli-plugins")
    config = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        config = {"proxies": json.loads((theirs / "config.json").read_text())["proxies"]}
    login = base64.b64encode(b"somebody:a password").decode()
    config |= {"auths": {name: {"auth": login} for name in REGISTRIES}, "credHelpers": {"registry.test": "none"}}
    (folder / "config.json").write_text(json.dumps(config))


def _user() -> tuple[str, str]:
    """The key of a new user, who has the policy that the variable POLICY names, or AWS's for administrators."""
    iam = client(ACCOUNT, "iam")
    iam.create_user(UserName=USER)
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    if file := os.environ.pop(POLICY, ""):
        iam.create_policy(PolicyName=f"{prefix()}boundary", PolicyDocument=handed_out("aws-boundary.json"))
        policy = iam.create_policy(PolicyName=USER, PolicyDocument=handed_out(file))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=USER, PolicyArn=policy)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    _wait_for(made["AccessKeyId"], made["SecretAccessKey"])
    return made["AccessKeyId"], made["SecretAccessKey"]


def _wait_for(key: str, secret: str) -> None:
    """Return when the key has an effect; Stop if that takes too long."""
    import boto3
    from botocore.exceptions import ClientError

    sts = boto3.client("sts", REGION, aws_access_key_id=key, aws_secret_access_key=secret)
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        with contextlib.suppress(ClientError):
            sts.get_caller_identity()
            return
        time.sleep(1)
    raise Stop("The key of the rehearsal's user is not valid after a minute.")
