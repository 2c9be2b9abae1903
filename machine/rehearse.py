"""`make rehearse`: the notebooks with target `aws`, on a machine of their own where AWS's names lead to a sandbox.

    python -m machine.rehearse [--least-policy | --core-policy] [--prefix tom-] [--other-learner] [PYTEST ARGUMENTS …]

The private machine of `machine.newer_engine` has processes, a network and a Docker engine of its own. Here it also gets
its own /etc, in which hosts and certificates lead to the sandbox. It is in machine/ and not in tests/, because it needs
root and prepares a machine. There `pytest` runs every notebook, then every solution.
The learner is an administrator, or has the permissions of `docs/aws-policy.json` or `docs/aws-policy-core.json` and no
other. Then the account has the permissions boundary of `docs/aws-boundary.json`, as from a teacher.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from machine import foreign, foreign_here, inventory, learner, newer_engine, private_machine, run_on_aws
from machine.account import ACCOUNT, REGION
from machine.commands import run
from machine.learner import CERTIFICATES
from machine.project import CACHE, ROOT, base_image_layout
from machine.say import Stop, say

if TYPE_CHECKING:
    from ecr_sandbox import Settings

ADDRESS = "10.0.2.100"  # slirp4netns gives it to the private machine; Docker requires HTTPS outside of 127.0.0.0/8
OUTSIDE = "LEARN_AMAZON_ECR_OUTSIDE"  # the mount namespace of the machine that must not change
DEFAULT = ["--nbval", "notebooks", "tests/notebooks/solve_on_aws.py"]
COMMAND = (sys.executable, "-m", "machine.rehearse")
INSIDE, COURSE = "--inside", "--course"
DECISIONS = "decisions.jsonl"
SEARCHES = ("Tags", ":ListTagsForResource", ":DescribeClusters")
KEPT = CACHE / "rehearsal"  # what a rehearsal leaves: the log of the sandbox, and the decisions of its IAM
KEEP = "LEARN_AMAZON_ECR_KEEP"
FAST = "LEARN_AMAZON_ECR_FAST"  # without AWS's delays


def main(arguments: list[str]) -> int:
    """Run pytest with *arguments*, and return its exit code; 0 with a reason if there can be no private machine."""
    if arguments[:1] == [INSIDE]:
        return _inside(arguments[1:])
    if arguments[:1] == [COURSE]:
        return _course(arguments[1:])
    options, of_pytest = _options().parse_known_args(arguments)
    if options.prefix:
        os.environ[learner.PREFIX] = options.prefix
    if options.other_learner:
        os.environ[learner.OTHER_LEARNER] = "yes"
    if options.policy:
        os.environ[learner.POLICY] = options.policy
    try:
        newer_engine.check_available()
    except private_machine.Unavailable as unavailable:
        say(f"SKIPPED: the rehearsal of the course on AWS needs a private machine, and {unavailable}.")
        return 0
    before = state_of_machine()
    KEPT.mkdir(parents=True, exist_ok=True)
    os.environ[KEEP] = str(KEPT)
    code = newer_engine.main(on_a_private_machine([*COMMAND, COURSE, *(of_pytest or DEFAULT)]))
    prefix = learner.prefix()
    if prefix != learner.DEFAULT_PREFIX and (names := with_default_prefix(KEPT / DECISIONS, prefix)):
        say(f"Not named as {learner.PREFIX} asks for: {', '.join(names)}")
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
    parser.add_argument("--prefix", help=f"of the names of all that the course makes; the same as {learner.PREFIX}")
    said = "another learner, with the default prefix, has made one thing of each kind in the account"
    parser.add_argument("--other-learner", action="store_true", help=said)
    return parser


def with_default_prefix(decisions: Path, prefix: str) -> list[str]:
    """The ARNs whose names begin with the default prefix and not with *prefix*, of a log of IAM's decisions.

    Without those of SEARCHES: clean-up reads the tags of what others have too.
    """
    used = {each["resource"] for each in learner.decisions(decisions) if not each.get("action", "").endswith(SEARCHES)}
    return sorted(arn for arn in used if re.search(rf"[:/](?!{prefix}){learner.DEFAULT_PREFIX}", arn))


def on_a_private_machine(command: list[str]) -> list[str]:
    """What runs *command* as a learner on AWS, when it is run on a private machine; it refuses to run on this one."""
    only_on_a_private_machine()
    return [*COMMAND, INSIDE, *command]


def only_on_a_private_machine() -> None:
    """Let `private_aws` refuse to run on this machine."""
    os.environ[OUTSIDE] = _namespace()


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
    """On the private machine: start the sandbox as AWS, and run *command* as the learner."""
    try:
        with private_aws(slow=not os.environ.pop(FAST, "")) as (_, environ):
            return subprocess.call(command, cwd=ROOT, env=environ)
    except Stop as stop:
        say(str(stop))
        return 1


@contextlib.contextmanager
def private_aws(slow: bool = True) -> Iterator[tuple[Path, dict[str, str]]]:
    """On the private machine: a sandbox that is AWS; its folder, and the environment of a learner. Stop elsewhere."""
    if os.environ.pop(OUTSIDE, "") in ("", _namespace()):
        raise Stop("The rehearsal was not started: this is not a private machine.")
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        _own_etc()
        with _aws(folder, slow) as status:
            _use_names(status)
            yield folder, learner.environment(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _course(arguments: list[str]) -> int:
    """As the learner: run pytest with *arguments*, clean up, and compare what there is with what was there before.

    Before, somebody else has made nine things of each kind, whose names begin with the default prefix. A rehearsal with
    another prefix is without them, unless another learner has used the account.
    """
    home = Path.home()
    run(run_on_aws.CLEAN_UP)  # what an earlier rehearsal left in the engine
    other_learner = os.environ.get(learner.OTHER_LEARNER)
    if learner.prefix() == learner.DEFAULT_PREFIX or other_learner:
        foreign.plant()
        foreign_here.plant()
    if other_learner:
        foreign.plant_other_learner()
    try:
        before = inventory.take(home)
        code = run_on_aws.run_and_clean_up(arguments)
        changes = inventory.differences(before, inventory.take(home))
    finally:
        foreign_here.remove()
    say(f"Of {len(before)} things that were there before the course, and what it left: {len(changes)} differences.")
    for change in changes:
        say(f"  {change}")
    return code or int(bool(changes))


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


def aws(folder: Path, slow: bool) -> "Settings":
    """The settings of the sandbox that is AWS: as slow as it, or without what only costs time."""
    import ecr_sandbox

    return ecr_sandbox.Settings(
        folder / "aws",
        base_image=base_image_layout(),
        account=ACCOUNT,
        region=REGION,
        aws_names=True,
        address=ADDRESS,
        as_slow_as_aws=slow,
        decisions=Path(os.environ.get(KEEP) or folder) / DECISIONS,
    )


@contextlib.contextmanager
def _aws(folder: Path, slow: bool) -> Iterator[Mapping]:
    """The status of a sandbox that serves AWS's names while the rehearsal runs."""
    import ecr_sandbox

    settings = aws(folder, slow)
    assert settings.decisions
    settings.decisions.unlink(missing_ok=True)
    status = ecr_sandbox.start(settings)
    try:
        yield status
    finally:
        ecr_sandbox.stop(settings)
        if kept := os.environ.get(KEEP):
            shutil.copy(ecr_sandbox.log_file(settings), kept)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
