"""`make rehearse`: the notebooks with target `aws`, on a machine of their own where AWS's names lead to a sandbox.

    python -m machine.rehearse [--least-policy | --core-policy] [--prefix tom-] [ARGUMENTS OF pytest …]

The private machine of `machine.newer_engine` has processes, a network and a Docker engine of its own. Here it also gets
its own /etc, in which hosts and certificates lead to the sandbox. It is in machine/ and not in tests/, because it needs
root and prepares a machine. There `pytest` runs every notebook, then every solution.
The learner is an administrator, or has the permissions of `docs/aws-policy.json` or `docs/aws-policy-core.json` and no
other. Then the account has the permissions boundary of `docs/aws-boundary.json`, as from a teacher.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from machine import newer_engine, private_machine
from machine.commands import run
from machine.project import CACHE, ROOT, base_image_layout, settings
from machine.say import Stop, say

ACCOUNT, REGION = "210987654321", "eu-west-3"
ADDRESS = "10.0.2.100"  # slirp4netns gives it to the private machine; Docker requires HTTPS outside of 127.0.0.0/8
HUB_PORT = "5250"
START_LIMIT = 60.0
OUTSIDE = "LEARN_AMAZON_ECR_OUTSIDE"  # the mount namespace of the machine that must not change
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEFAULT = ["--nbval", "notebooks", "tests/notebooks/solve_on_aws.py"]
USER = "rehearsal"
SECOND = "rehearsal-second"  # the learner's profile of a second account, for notebook 03
PREFIX, DEFAULT_PREFIX = "ECR_TUTORIAL_PREFIX", "demo-"
POLICY = "LEARN_AMAZON_ECR_POLICY"  # the file in docs/ with the learner's permissions, instead of an administrator's
COMMAND = (sys.executable, "-m", "machine.rehearse")
COURSE = (sys.executable, "-m", "machine.run_on_aws")
INSIDE = "--inside"
KEPT = CACHE / "rehearsal"  # what a rehearsal leaves: the log of the sandbox, and the decisions of its IAM
KEEP = "LEARN_AMAZON_ECR_KEEP"
DECISIONS = "decisions.jsonl"
FAST = "LEARN_AMAZON_ECR_FAST"  # without AWS's delays


def main(arguments: list[str]) -> int:
    """Run pytest with *arguments*, and return its exit code; 0 with a reason if there can be no private machine."""
    if arguments[:1] == [INSIDE]:
        return _inside(arguments[1:])
    options, of_pytest = _options().parse_known_args(arguments)
    if options.prefix:
        os.environ[PREFIX] = options.prefix
    if options.policy:
        os.environ[POLICY] = options.policy
    try:
        private_machine.check()
        if missing := newer_engine.missing():
            raise private_machine.Unavailable(missing)
    except private_machine.Unavailable as unavailable:
        say(f"SKIPPED: the rehearsal of the course on AWS needs a private machine, and {unavailable}.")
        return 0
    before = state_of_machine()
    KEPT.mkdir(parents=True, exist_ok=True)
    os.environ[KEEP] = str(KEPT)
    code = newer_engine.main(on_a_private_machine([*COURSE, *(of_pytest or DEFAULT)]))
    prefix = os.environ.get(PREFIX) or DEFAULT_PREFIX
    if prefix != DEFAULT_PREFIX and (names := with_default_prefix(KEPT / DECISIONS, prefix)):
        say(f"Not named as {PREFIX} asks for: {', '.join(names)}")
        return 1
    if changed := [name for name, state in state_of_machine().items() if state != before[name]]:
        say(f"The rehearsal changed this machine: {', '.join(changed)}.")
        return 1
    return code


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m machine.rehearse", allow_abbrev=False)
    for name, file in (("--least-policy", "aws-policy.json"), ("--core-policy", "aws-policy-core.json")):
        said = f"the learner has docs/{file} and no more"
        parser.add_argument(name, dest="policy", action="store_const", const=file, help=said)
    parser.add_argument("--prefix", help=f"of the names of all that the course makes; the same as {PREFIX}")
    return parser


def with_default_prefix(decisions: Path, prefix: str) -> list[str]:
    """The ARNs whose names begin with the default prefix and not with *prefix*, of a log of IAM's decisions."""
    used = {json.loads(line)["resource"] for line in decisions.read_text().splitlines()}
    return sorted(arn for arn in used if re.search(rf"[:/](?!{prefix}){DEFAULT_PREFIX}", arn))


def on_a_private_machine(command: list[str]) -> list[str]:
    """What runs *command* as a learner on AWS, when it is run on a private machine; it refuses to run on this one."""
    os.environ[OUTSIDE] = _namespace()
    return [*COMMAND, INSIDE, *command]


def state_of_machine() -> dict[str, str]:
    """What of this machine the rehearsal must not change, by name: names, certificates, interfaces, firewall.

    Without what belongs to single containers of this machine's own engine, which come and go meanwhile.
    """
    files = ("/etc/hosts", "/etc/resolv.conf", str(CERTIFICATES))
    states = {name: Path(name).read_text() if Path(name).exists() else "" for name in files}
    states["/etc/docker"] = run(["find", "/etc/docker", "-type", "f"]).stdout
    links = [line.split()[0] for line in run(["ip", "-brief", "link"]).stdout.splitlines()]
    states["network interfaces"] = "\n".join(link for link in links if not link.startswith("veth"))
    rules = [line for line in run(["iptables-save"]).stdout.splitlines() if line.startswith(("*", "-A"))]
    states["firewall"] = "\n".join(line for line in rules if "/32" not in line)
    return states


def _inside(command: list[str]) -> int:
    """On the private machine: start the sandbox as AWS, and run *command*."""
    if os.environ.pop(OUTSIDE, "") in ("", _namespace()):
        say("The rehearsal was not started: this is not a private machine.")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        _own_etc()
        with _aws(folder) as status:
            _use_names(status)
            environ = _learner(folder, status)
            return subprocess.call(command, cwd=ROOT, env=environ)
    except Stop as stop:
        say(str(stop))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _namespace() -> str:
    return os.readlink("/proc/self/ns/mnt")


def _own_etc() -> None:
    """Let every change in /etc end with the private machine. Files of it that are mounted are copied."""
    kept = {name: Path("/etc", name).read_bytes() for name in ("hosts", "resolv.conf", "hostname")}
    top = Path("/run/rehearsal")
    for name in ("upper", "work"):
        (top / name).mkdir(parents=True)
    layers = f"lowerdir=/etc,upperdir={top}/upper,workdir={top}/work"
    if (got := run(["mount", "-t", "overlay", "overlay", "-o", layers, "/etc"])).returncode:
        raise Stop(f"The rehearsal needs an overlay file system for /etc: {got.stderr.strip()}")
    for name, content in kept.items():
        path = Path("/etc", name)
        path.unlink(missing_ok=True)
        path.write_bytes(content)


@contextlib.contextmanager
def _aws(folder: Path) -> Iterator[Mapping]:
    """The status of a sandbox that serves AWS's names while the rehearsal runs."""
    import ecr_sandbox

    kept = Path(os.environ.pop(KEEP, "") or folder)
    decisions = kept / DECISIONS
    decisions.unlink(missing_ok=True)
    aws = ecr_sandbox.Settings(
        folder / "aws",
        base_image=base_image_layout(),
        account=ACCOUNT,
        region=REGION,
        aws_names=True,
        address=ADDRESS,
        as_slow_as_aws=not os.environ.pop(FAST, ""),
        decisions=decisions,
    )
    status = ecr_sandbox.start(aws)
    try:
        yield status
    finally:
        ecr_sandbox.stop(aws)
        shutil.copy(ecr_sandbox.log_file(aws), kept)


def _use_names(status: Mapping) -> None:
    """Let AWS's names lead to the sandbox, and this machine's programs trust its certificates."""
    from boto3 import Session

    from ecr_sandbox.http import aws_names

    accounts, regions = list(status["accounts"]), Session().get_available_regions("ecr")
    names = aws_names.names(accounts, regions)
    with Path("/etc/hosts").open("a") as hosts:
        hosts.writelines(f"{ADDRESS} {name}\n" for name in names)
    ca = Path(status["aws_names"]["ca"]).read_text()
    CERTIFICATES.parent.mkdir(parents=True, exist_ok=True)
    with CERTIFICATES.open("a") as bundle:
        bundle.write(ca)
    registries = [aws_names.registry_host(account, region) for account in accounts for region in regions]
    for name in (aws_names.PUBLIC_HOST, *registries):  # the engine read the bundle when it started
        folder = Path("/etc/docker/certs.d", name)
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_text(ca)


def _learner(folder: Path, status: Mapping) -> dict[str, str]:
    """The environment of a learner: an AWS profile of the account, and one of an administrator of a second account."""
    home = folder / "home"
    (home / ".aws").mkdir(parents=True)
    key, secret = _user(status)
    (home / ".aws" / "config").write_text(f"[profile {USER}]\nregion = {REGION}\noutput = json\n")
    keys = {USER: (key, secret), SECOND: (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)}
    with (home / ".aws" / "credentials").open("w") as credentials:
        for name, (its_key, its_secret) in keys.items():
            credentials.write(f"[{name}]\naws_access_key_id = {its_key}\naws_secret_access_key = {its_secret}\n")
    prefix = os.environ.get(PREFIX, "")
    foreign = ("AWS_", "ECR_TUTORIAL_", "ECR_SANDBOX_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    bundle = str(CERTIFICATES)
    return kept | {
        "HOME": str(home),
        "AWS_PROFILE": USER,
        # Programs that have certificates of their own, as boto3, requests and curl.
        **dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), bundle),
        "ECR_TUTORIAL_TARGET": "aws",
        PREFIX: prefix,
        "ECR_TUTORIAL_CONFIRM": ACCOUNT,
        "ECR_TUTORIAL_OTHER_PROFILE": SECOND,
        "ECR_TUTORIAL_OTHER_CONFIRM": settings.OTHER_ACCOUNT,
        "ECR_TUTORIAL_STATE": str(folder / "course"),
        "ECR_TUTORIAL_PORT": HUB_PORT,
        "ECR_TUTORIAL_BASE": str(base_image_layout()),
    }


def _user(status: Mapping) -> tuple[str, str]:
    """The key of a new user, who has the policy that the variable POLICY names, or AWS's for administrators."""
    import boto3

    iam = boto3.client(
        "iam",
        endpoint_url=status["endpoint"],
        region_name=REGION,
        aws_access_key_id=settings.ACCESS_KEY,
        aws_secret_access_key=settings.SECRET_KEY,
    )
    iam.create_user(UserName=USER)
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    if file := os.environ.pop(POLICY, ""):
        boundary = f"{os.environ.get(PREFIX) or DEFAULT_PREFIX}boundary"
        iam.create_policy(PolicyName=boundary, PolicyDocument=handed_out("aws-boundary.json"))
        policy = iam.create_policy(PolicyName=USER, PolicyDocument=handed_out(file))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=USER, PolicyArn=policy)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    _wait_for(made["AccessKeyId"], made["SecretAccessKey"], status["endpoint"])
    return made["AccessKeyId"], made["SecretAccessKey"]


def handed_out(file: str) -> str:
    """The text of a policy in docs/ as a teacher gives it to a learner: with the learner's prefix."""
    return (ROOT / "docs" / file).read_text().replace(DEFAULT_PREFIX, os.environ.get(PREFIX) or DEFAULT_PREFIX)


def _wait_for(key: str, secret: str, endpoint: str) -> None:
    """Return when the key has an effect; Stop if that takes too long."""
    import boto3
    from botocore.exceptions import ClientError

    sts = boto3.client("sts", REGION, endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret)
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        with contextlib.suppress(ClientError):
            sts.get_caller_identity()
            return
        time.sleep(1)
    raise Stop("The key of the rehearsal's user is not valid after a minute.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
