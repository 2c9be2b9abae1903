"""``connect()`` and ``Lab``: where the cells of a notebook run, the sandbox or the learner's AWS account."""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ecr_sandbox
from ecr_sandbox import SandboxError
from helpers import aws_account, catch_up, cleanup, console, docker_hub, second_account, settings, waiting
from helpers.aws_account import cell_names
from helpers.docker_hub import DockerHub
from helpers.errors import LabError
from helpers.second_account import SecondAccount

if TYPE_CHECKING:
    import boto3
    import docker

_current: "Lab | None" = None


@dataclass(frozen=True)
class Lab:
    """A connection: ``aws``, boto3 and ``docker`` in this process use this target."""

    target: str
    account: str
    region: str
    registry: str
    endpoint: str
    repository_uri: str
    second: SecondAccount | None = None

    def __repr__(self) -> str:
        return f"<Lab: {self.target}, account {self.account}, region {self.region}, registry {self.registry}>"

    @property
    def scheme(self) -> str:
        """``http`` in the sandbox, ``https`` on AWS."""
        return "http" if self.target == "sandbox" else "https"

    @property
    def registry_url(self) -> str:
        """The registry's address with its scheme."""
        return f"{self.scheme}://{self.registry}"

    @property
    def partition(self) -> str:
        """The second part of every ARN: ``aws``, or ``aws-cn`` and ``aws-us-gov`` in those Regions."""
        return aws_account.partition(self.region)

    def client(self, service: str = "ecr"):
        """A plain boto3 client."""
        import boto3

        return boto3.client(service, region_name=self.region)

    def second_account(self) -> "boto3.Session | None":
        """A boto3 session in the second account; None if there is none."""
        return aws_account.session(self.second.profile, self.region) if self.second else None

    def engine(self) -> "docker.DockerClient":
        """A plain Docker SDK client; LabError if no engine answers."""
        return docker_client()

    def password(self) -> str:
        """The password that ``aws ecr get-login-password`` prints."""
        import base64

        data = self.client().get_authorization_token()["authorizationData"][0]
        return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    def password_of(self, hours_ago: int) -> str:
        """The password that ``get-login-password`` printed so many hours ago; LabError on AWS."""
        if self.target != "sandbox":
            raise LabError("AWS issues no expired passwords.", "skip this cell, or come back in 12 hours")
        caller = ecr_sandbox.Caller(settings.ACCESS_KEY, self.account, self.region)
        issued = int(time.time()) - hours_ago * 60 * 60
        return ecr_sandbox.RegistryTokens(settings.state() / "secret").mint(caller, issued)[0]

    def docker_hub(self) -> DockerHub:
        """Start the Docker Hub stand-in, which runs on this machine with either target; see ``docker_hub.start``."""
        hub = docker_hub.start()
        cleanup.note_registry(self, hub.registry)
        return hub

    def catch_up(self, notebook: str) -> None:
        """Make true what the notebooks before this one make true, and print it."""
        from helpers.exercises import progress

        catch_up.catch_up(self, notebook)
        progress.begin(notebook)

    def now(self) -> datetime:
        """The time (UTC): that of the sandbox's clock, or on AWS of this machine's."""
        on_aws = self.target == "aws"
        return datetime.fromtimestamp(time.time() if on_aws else ecr_sandbox.advance_clock(settings.sandbox(), 0), UTC)

    def wait_until(self, moment: datetime) -> None:
        """Advance the sandbox's clock to *moment*, so that images age and rules act; on AWS print that it cannot be."""
        if self.target != "sandbox":
            print("AWS's clock cannot be moved. Continue, and run this cell again when the time has passed.")
            return
        ecr_sandbox.advance_clock(settings.sandbox(), (moment - self.now()).total_seconds())
        print(f"✔ the sandbox's clock says {self.now():%Y-%m-%d %H:%M:%S}")

    confirm_cost = aws_account.confirm_cost
    console = console.console
    wait_for = waiting.wait_for
    made = cleanup.made
    start_over = cleanup.start_over
    delete_iam = cleanup.delete_iam
    delete_workloads = cleanup.delete_workloads
    clean_up = cleanup.clean_up


def connect() -> Lab:
    """Connect this process to the target, print which one, and return it."""
    global _current
    target = chosen_target()
    if _current and _current.target != target:
        raise LabError(f"This notebook is already connected to {_current.target}.", "restart its kernel to switch")
    _current = _connect_sandbox() if target == "sandbox" else _connect_aws()
    if settings.PREFIX != settings.DEFAULT_PREFIX:
        print(f"✔ names: {settings.DEFAULT_PREFIX}… is {settings.PREFIX}… in this run")
    _extend_ipython(target)
    return _current


def current() -> Lab:
    """The Lab of this process; LabError if ``connect()`` was not called yet."""
    if _current is None:
        raise LabError("This notebook is not connected yet.", "run its first cell, the one with connect()")
    return _current


def chosen_target() -> str:
    """The target in ECR_TUTORIAL_TARGET; LabError if it is not one, or ECR_TUTORIAL_PREFIX is not a prefix."""
    try:
        settings.check_prefix()
        return settings.target()
    except ValueError as error:
        raise LabError(str(error)) from None


def enter_sandbox() -> tuple[dict, dict[str, str], list[str]]:
    """``(status, set, unset)`` of the running sandbox, with its files written; LabError if none runs."""
    status = ecr_sandbox.running(settings.sandbox())
    new, unset = ecr_sandbox.isolated_environment(status, settings.aws_cli())
    # Of several `aws` commands, the course's own comes first.
    new["PATH"] = ecr_sandbox.prepend_path(new["PATH"], settings.state() / "bin", ecr_sandbox.venv_bin())
    return status, new | cell_names(new["REGISTRY"], new["ACCOUNT_ID"], new["PUBLIC_REGISTRY"]), unset


def docker_client() -> "docker.DockerClient":
    """A Docker SDK client; LabError if no engine answers."""
    try:
        return ecr_sandbox.docker_client()
    except ecr_sandbox.EngineMissing as error:
        raise LabError(error.wrong, with_setup(error.fix)) from None


def with_setup(fix: str) -> str:
    """How to fix a missing Docker engine: on Linux ``make setup`` installs and starts it."""
    return f"make setup (it starts the engine), or {fix}" if sys.platform.startswith("linux") else fix


def _connect_sandbox() -> Lab:
    try:
        sandbox = settings.sandbox()
    except ValueError as error:
        raise LabError(str(error)) from None
    ecr_sandbox.start(sandbox)
    status, new, unset = enter_sandbox()
    ecr_sandbox.apply_environment(new, unset)
    account, registry = new["ACCOUNT_ID"], new["REGISTRY"]
    uri, second = new["REPOSITORY_URI"], second_account.IN_SANDBOX
    lab = Lab("sandbox", account, settings.REGION, registry, status["endpoint"], uri, second)
    print(f"✔ sandbox: account {account}, region {lab.region}, registry {registry}")
    print("✔ isolated: cells cannot reach a real account")
    _connect_engine(lab, status["ports"])
    return lab


def _connect_engine(lab: Lab, ports: list[int]) -> None:
    # Without an engine half of the lessons still work, so its absence is printed and not raised.
    try:
        engine = docker_client()
        if ecr_sandbox.make_reachable(engine, settings.sandbox(), ports):
            print("✔ engine: Docker runs in a virtual machine here and reaches the sandbox by a forwarder")
        ecr_sandbox.pull_mirror(engine, lab.registry, lab.password, settings.base_image_layout())
    except SandboxError as error:
        print(f"✗ engine: {error}")


def _connect_aws() -> Lab:
    if ecr_sandbox.is_isolated(os.environ, settings.state()):
        raise LabError(
            "This terminal is set up for the sandbox.", "open a new terminal and set ECR_TUTORIAL_TARGET=aws there"
        )
    session = aws_account.session()
    account, region, arn = aws_account.identity(session)
    registry = aws_account.registry(account, region)
    print(f"✔ AWS: account {account}, region {region}, registry {registry}")
    print(f"  you are {arn}")
    aws_account.confirm(account, region, session)
    print(f"✔ confirmed: all that is made here gets the tag {settings.TAG_TEXT}; notebook 14 deletes exactly that")
    second = second_account.on_aws(account, region)
    os.environ.update(aws_account.variables(account, region))
    _use_own_docker_configuration()
    endpoint = session.client("ecr").meta.endpoint_url
    return Lab("aws", account, region, registry, endpoint, f"{registry}/{settings.REPOSITORY}", second)


def docker_configuration() -> tuple[dict[str, str], list[str]]:
    """``(set, unset)`` that give ``docker`` a configuration of the course's own: no login of the learner changes."""
    return ecr_sandbox.docker_environment(os.environ, settings.state() / "docker-on-aws")


def _use_own_docker_configuration() -> None:
    new, unset = docker_configuration()
    for name in unset:
        os.environ.pop(name, None)
    os.environ.update(new)


def _extend_ipython(target: str) -> None:
    """Register ``%%live``, names and, on AWS, the cells to skip and the partition; does nothing outside of IPython."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    from helpers import names, partitions, refusals, show, skips

    if shell := get_ipython():
        show.register_magics(shell)
        if target == "aws":
            refusals.register()
            skips.register(shell)
            partitions.register(shell)  # after it: it knows a cell by its text
        names.register(shell)
