"""`make rehearse`: the notebooks with target `aws`, on a machine of their own where AWS's names lead to a sandbox.

    python -m machine.rehearse [--least-policy] [ARGUMENTS OF pytest …]

The private machine of `machine.newer_engine` has processes, a network and a Docker engine of its own. Here it also gets
its own /etc, in which hosts and certificates lead to the sandbox. It is in machine/ and not in tests/, because it needs
root and prepares a machine; what runs on it is `pytest --nbval notebooks`, as on a learner's account. The learner is
an administrator, or has the permissions of `docs/aws-policy.json` and no other.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from machine import foreign, foreign_here, inventory, learner, newer_engine, private_machine
from machine.account import ACCOUNT, REGION
from machine.commands import run
from machine.learner import CERTIFICATES
from machine.project import CACHE, ROOT, base_image_layout
from machine.say import Stop, say

if TYPE_CHECKING:
    from ecr_sandbox import Settings

ADDRESS = "10.0.2.100"  # slirp4netns gives it to the private machine; Docker requires HTTPS outside of 127.0.0.0/8
OUTSIDE = "LEARN_AMAZON_ECR_OUTSIDE"  # the mount namespace of the machine that must not change
DEFAULT = ["--nbval", "notebooks"]
LEAST = "--least-policy"
COMMAND = (sys.executable, "-m", "machine.rehearse")
INSIDE, COURSE = "--inside", "--course"
CLEAN_UP = (sys.executable, "-c", "from helpers.cli import main; main()", "cleanup")
DECISIONS = "decisions.jsonl"
KEPT = CACHE / "rehearsal"  # what a rehearsal leaves: the log of the sandbox, and the decisions of its IAM
KEEP = "LEARN_AMAZON_ECR_KEEP"


def main(arguments: list[str]) -> int:
    """Run pytest with *arguments*, and return its exit code; 0 with a reason if there can be no private machine."""
    if arguments[:1] == [INSIDE]:
        return _inside(arguments[1:])
    if arguments[:1] == [COURSE]:
        return _course(arguments[1:])
    if arguments[:1] == [LEAST]:
        os.environ[learner.POLICY] = (ROOT / "docs" / "aws-policy.json").read_text()
        arguments = arguments[1:]
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
    code = newer_engine.main(on_a_private_machine([*COMMAND, COURSE, *(arguments or DEFAULT)]))
    if changed := [name for name, state in state_of_machine().items() if state != before[name]]:
        say(f"The rehearsal changed this machine: {', '.join(changed)}.")
        return 1
    return code


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
        with private_aws() as (_, environ):
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

    Before, somebody else has made nine things of each kind.
    """
    home = Path.home()
    run(CLEAN_UP)  # what an earlier rehearsal left in the engine
    foreign.plant()
    foreign_here.plant()
    try:
        before = inventory.take(home)
        codes = [subprocess.call([sys.executable, "-m", "pytest", *arguments]), subprocess.call(CLEAN_UP)]
        changes = inventory.differences(before, inventory.take(home))
    finally:
        foreign_here.remove()
    say(f"Of {len(before)} things that were there before the course, and what it left: {len(changes)} differences.")
    for change in changes:
        say(f"  {change}")
    return next(filter(None, codes), int(bool(changes)))


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
        decisions=folder / DECISIONS,
    )


@contextlib.contextmanager
def _aws(folder: Path, slow: bool) -> Iterator[Mapping]:
    """The status of a sandbox that serves AWS's names while the rehearsal runs."""
    import ecr_sandbox

    kept = os.environ.pop(KEEP, "")
    settings = aws(folder, slow)
    status = ecr_sandbox.start(settings)
    try:
        yield status
    finally:
        ecr_sandbox.stop(settings)
        for file in (ecr_sandbox.log_file(settings), folder / DECISIONS) if kept else ():
            shutil.copy(file, kept)


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
