"""Lab: where the cells of a notebook run, and what may be touched there."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import background, docker_engine, docker_forwarder, environment
from ecr_sandbox.errors import LabError
from ecr_sandbox.services.cost_explorer import prices

from helpers import settings

if TYPE_CHECKING:
    from datetime import datetime

    import boto3
    import docker

TUTORIAL_GB = 0.2  # what all notebooks together leave in ECR if nobody cleans up

_current: "Lab | None" = None


@dataclass(frozen=True)
class Lab:
    """A connection: plain ``aws``, boto3 and ``docker`` in this process talk to this place."""

    target: str
    account: str
    region: str
    registry: str
    endpoint: str
    repository_uri: str

    def __repr__(self) -> str:
        return f"<Lab: {self.target}, account {self.account}, region {self.region}, registry {self.registry}>"

    def client(self, service: str = "ecr"):
        """A plain boto3 client for this place."""
        import boto3

        return boto3.client(service, region_name=self.region)

    def engine(self) -> "docker.DockerClient":
        """A plain Docker SDK client; LabError when there is no engine."""
        return docker_client()

    def password(self) -> str:
        """What ``aws ecr get-login-password`` prints."""
        import base64

        granted = self.client().get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return base64.b64decode(granted).decode().partition(":")[2]

    def password_of(self, hours_ago: int) -> str:
        """The password that ``get-login-password`` would have printed so many hours ago; sandbox only."""
        if self.target != "sandbox":
            raise LabError("AWS gives out no password of the past.", "skip this cell, or come back in 12 hours")
        import time

        from ecr_sandbox.auth.token import Caller, Tokens

        caller = Caller(settings.ACCESS_KEY, self.account, self.region)
        made = int(time.time()) - hours_ago * 60 * 60
        return Tokens(settings.state() / "secret").mint(caller, made)[0]

    def docker_hub(self) -> "DockerHub":
        """The stand-in for Docker Hub, which runs on this machine whatever the target is.

        Cells find it as ``$HUB`` (for ``docker``) and ``$HUB_API`` (for what the Hub's web pages do).
        """
        names = environment.hub_names(background.start(settings.sandbox()))
        os.environ.update(names)
        hub = DockerHub(names["HUB"], names["HUB_API"])
        print(f"✔ Docker Hub stand-in: {hub.registry} (by Docker Hub's rules, on your own machine)")
        return hub

    def catch_up(self, notebook: str) -> None:
        """Make true what the notebooks before this one would have made, and say so."""
        from helpers import progress, steps

        steps.catch_up(self, notebook)
        progress.begin(notebook)

    def now(self) -> "datetime":
        """What time it is (UTC) where the cells run: by the sandbox's clock, or by this machine's."""
        import time
        from datetime import UTC, datetime

        sandbox = self.target == "sandbox"
        return datetime.fromtimestamp(background.advance_clock(settings.sandbox(), 0) if sandbox else time.time(), UTC)

    def wait_until(self, moment: "datetime") -> None:
        """Let time pass until *moment*, so that images age and rules act; on AWS it says that nobody can."""
        if self.target != "sandbox":
            print("Nobody moves the clock of AWS: read on, and look again when the time has passed.")
            return
        background.advance_clock(settings.sandbox(), (moment - self.now()).total_seconds())
        print(f"✔ the sandbox's clock says {self.now():%Y-%m-%d %H:%M:%S}")

    def made(self) -> list[dict]:
        """The repositories that this tutorial made here, known by their tag."""
        from helpers import cleanup

        return cleanup.made(self)

    def start_over(self, *repositories: str) -> None:
        """Remove these repositories if this tutorial made them, so that a notebook begins afresh."""
        from helpers import cleanup

        cleanup.start_over(self, *repositories)

    def forget_people(self) -> None:
        """Remove the IAM users, roles and policies that this tutorial made, so that a notebook begins afresh."""
        from helpers import cleanup

        cleanup.forget_people(self)

    def forget_workloads(self) -> None:
        """Stop and remove what this tutorial runs on ECS and Lambda, so that a notebook begins afresh."""
        from helpers import cleanup

        cleanup.forget_workloads(self)

    def clean_up(self) -> dict:
        """Delete everything this tutorial made, nothing else; prints and returns what was deleted."""
        from helpers import cleanup

        return cleanup.clean_up(self)


@dataclass(frozen=True)
class DockerHub:
    """The stand-in for Docker Hub: *registry* is its name for ``docker``, *api* stands for ``hub.docker.com``."""

    registry: str
    api: str

    def __repr__(self) -> str:
        return f"<Docker Hub stand-in at {self.registry}>"


def connect() -> Lab:
    """Connect this process to the target, print where that is, and return it."""
    global _current
    target = asked_target()
    if _current and _current.target != target:
        raise LabError(f"This notebook is already connected to {_current.target}.", "restart its kernel to change over")
    _current = _connect_sandbox() if target == "sandbox" else _connect_aws()
    _teach_ipython(target)
    return _current


def current() -> Lab:
    """The Lab of this process; LabError when ``connect()`` was not called yet."""
    if _current is None:
        raise LabError("This notebook is not connected yet.", "run its first cell, the one with connect()")
    return _current


def asked_target() -> str:
    """The target that ECR_TUTORIAL_TARGET asks for; LabError when there is no such target."""
    try:
        return settings.target()
    except ValueError as wrong:
        raise LabError(str(wrong)) from None


def enter_sandbox() -> tuple[dict, dict[str, str], list[str]]:
    """``(status, set, unset)`` of the running sandbox, whose files are made; LabError if none runs."""
    status = background.running(settings.sandbox())
    new, unset = environment.isolated_environment(status)
    # Of several `aws` commands, the course's own comes first.
    new["PATH"] = environment.prepend(new["PATH"], settings.state() / "bin", environment.venv_bin())
    return status, new | cell_names(new["REGISTRY"], new["ACCOUNT_ID"], new["PUBLIC_REGISTRY"]), unset


def _connect_sandbox() -> Lab:
    try:
        sandbox = settings.sandbox()
    except ValueError as wrong:
        raise LabError(str(wrong)) from None
    background.start(sandbox)
    status, new, gone = enter_sandbox()
    environment.apply(new, gone)
    lab = Lab(
        "sandbox",
        new["ACCOUNT_ID"],
        settings.REGION,
        new["REGISTRY"],
        status["endpoint"],
        new["REPOSITORY_URI"],
    )
    print(f"✔ sandbox: account {lab.account}, region {lab.region}, registry {lab.registry}")
    print("✔ sealed: no other key, profile or endpoint is in reach, so no cell can touch a real account")
    _connect_engine(lab, status["ports"])
    return lab


def _connect_engine(lab: Lab, ports: list[int]) -> None:
    # Without an engine half of the lessons still work, so its absence is told and not raised.
    try:
        engine = docker_client()
        if docker_forwarder.make_reachable(engine, settings.sandbox(), ports):
            print("✔ engine: Docker runs in a virtual machine here and reaches the sandbox by a forwarder")
        docker_engine.learn_mirror(engine, lab.registry, lab.password, settings.base_image_layout())
    except LabError as trouble:
        print(f"✗ engine: {trouble}")


def _connect_aws() -> Lab:
    if environment.is_isolated(os.environ, settings.state()):
        raise LabError(
            "This terminal is set up for the sandbox.",
            "open a new terminal and set ECR_TUTORIAL_TARGET=aws there",
        )
    import boto3

    session = boto3.Session()
    account, region, arn = aws_identity(session)
    registry = aws_registry(account, region)
    print(f"✔ AWS: account {account}, region {region}, registry {registry}")
    print(f"  you are {arn}")
    _confirm(account, region)
    os.environ.update(aws_names(account, region))
    os.environ.update(docker_engine.variables(os.environ))  # the Docker SDK knows no contexts
    endpoint = session.client("ecr").meta.endpoint_url
    return Lab("aws", account, region, registry, endpoint, f"{registry}/{settings.REPOSITORY}")


def aws_names(account: str, region: str) -> dict[str, str]:
    """All that is set on AWS: the names that cells use; the rest is the user's own configuration."""
    return {**cell_names(aws_registry(account, region), account, "public.ecr.aws"), "AWS_REGION": region}


def cell_names(registry: str, account: str, public_registry: str) -> dict[str, str]:
    """The names that cells use, the same for the sandbox and for AWS."""
    names = environment.registry_names(registry, account, public_registry)
    return {**names, "REPOSITORY_NAME": settings.REPOSITORY, "REPOSITORY_URI": f"{registry}/{settings.REPOSITORY}"}


def docker_client() -> "docker.DockerClient":
    """A Docker SDK client; LabError when there is no engine."""
    try:
        return docker_engine.client()
    except docker_engine.EngineMissing as missing:
        raise LabError(missing.wrong, with_setup(missing.fix)) from None


def with_setup(fix: str) -> str:
    """How to fix a missing Docker engine: on Linux ``make setup`` installs and starts it."""
    return f"make setup (it starts the engine), or {fix}" if sys.platform.startswith("linux") else fix


def aws_registry(account: str, region: str) -> str:
    """The address of an account's private registry in a region."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def aws_identity(session: "boto3.Session") -> tuple[str, str, str]:
    """``(account, region, ARN)`` of the user's own configuration; LabError says what is missing."""
    from botocore import exceptions as aws

    if not session.region_name:
        raise LabError("No AWS region is configured.", "aws configure set region us-east-1")
    try:
        me = session.client("sts").get_caller_identity()
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise LabError("No AWS credentials are configured.", "aws configure, or aws sso login") from None
    except (aws.SSOError, aws.TokenRetrievalError, aws.CredentialRetrievalError) as wrong:
        raise LabError(f"Your AWS sign-in cannot be used ({_one_line(wrong)}).", "aws sso login") from None
    except aws.ClientError as refused:
        raise LabError(*_refusal(refused.response["Error"])) from None
    except aws.BotoCoreError as wrong:
        raise LabError(
            f"AWS cannot be reached ({_one_line(wrong)}).",
            "check the network, the proxy and the region's name",
        ) from None
    return me["Account"], session.region_name, me["Arn"]


def _refusal(error: dict) -> tuple[str, str]:
    code, message = error.get("Code", ""), _one_line(error.get("Message", ""))
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return "Your AWS credentials have expired.", "aws sso login, or paste fresh keys with aws configure"
    if code == "SignatureDoesNotMatch" and "expired" in message.lower():
        return f"AWS says your clock is wrong ({message}).", "set the clock (WSL2: sudo hwclock -s)"
    return f"AWS does not accept your credentials ({code}).", "aws configure"


def _confirm(account: str, region: str) -> None:
    """Ask once for an account and region; a yes is remembered in the state folder."""
    where = f"{account}/{region}"
    remembered = settings.state() / "aws-confirmed.json"
    said_yes = _read_list(remembered)
    given = os.environ.get("ECR_TUTORIAL_CONFIRM")
    if where not in said_yes and given != account:
        if given:
            raise LabError(
                f"ECR_TUTORIAL_CONFIRM is {given}, but these credentials belong to account {account}.",
                "use that account's credentials, or confirm this one",
            )
        print(_what_it_costs())
        if not _says_yes(f"Work in account {account}, region {region}? (yes/no) ", account):
            raise LabError("Nothing was made: you did not say yes.", "unset ECR_TUTORIAL_TARGET for the sandbox")
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(json.dumps([*said_yes, where]))
    tag = f"{settings.TAG['Key']}={settings.TAG['Value']}"
    print(f"✔ confirmed: all that is made here gets the tag {tag}; notebook 14 deletes exactly that")


def _what_it_costs() -> str:
    cost = prices.usd("storage") * TUTORIAL_GB
    return (
        f"  The notebooks create private ECR repositories: {settings.REPOSITORY} and a few for exercises.\n"
        f"  They hold about {TUTORIAL_GB} GB, which costs about ${cost:.2f} a month if forgotten\n"
        f"  ({prices.facts()['check_live'][0]}, {prices.fact('storage')['as_of']})."
    )


def _says_yes(question: str, account: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # no terminal; IPython's error where a kernel may not ask
        raise LabError(
            "This account was not confirmed and nobody is there to ask.",
            f"set ECR_TUTORIAL_CONFIRM={account}",
        ) from None


def _read_list(path: Path) -> list:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")


def _teach_ipython(target: str) -> None:
    """``%%live``, and on AWS which cells to skip; outside of IPython there is nobody to teach."""
    if "IPython" not in sys.modules:
        return
    from importlib.util import find_spec

    from IPython import get_ipython

    shell = get_ipython()
    if shell and find_spec("helpers.show"):
        from helpers import show, skips

        show.register_magics(shell)
        if target == "aws":
            skips.register(shell)
