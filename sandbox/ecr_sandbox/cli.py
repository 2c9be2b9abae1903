"""The command ``ecr-sandbox``. Another program may contain its commands; see ``run``."""

import contextlib
import errno
import functools
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ecr_sandbox import background, settings
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.http import listeners
from ecr_sandbox.settings import Settings

# What `reset` removes. The ports and the signing secret stay, so that addresses do not change.
USERS_DATA = (
    *("state.db", "state.db-wal", "state.db-shm"),
    *("registry", "blobs", "uploads", "trash"),
    *("docker", "aws", "bin"),
)
DAY = 24 * 60 * 60  # seconds


def pass_settings(command: Callable) -> Callable:
    """Call a command with the sandbox's settings as its first argument; see ``run``."""

    @click.pass_obj
    @functools.wraps(command)
    def with_settings(read: Callable[[], Settings], *args, **options):
        return command(read(), *args, **options)

    return with_settings


class _Matching(click.ParamType):
    """A text that fits *pattern*; an error message calls it *name*."""

    def __init__(self, pattern: str, name: str):
        self._pattern, self.name = pattern, name

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(self._pattern, value):
            self.fail(f"'{value}' is not {self.name}.", param, ctx)
        return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """A local Amazon ECR: the API and the registry, on this machine."""


@commands.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Default: $ECR_SANDBOX_PORT, else 5050 or the next free.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Its folder. Default: $ECR_SANDBOX_STATE.",
)
@click.option("--aws-names", is_flag=True, default=None, help="Serve AWS's own host names, with HTTPS.")
@click.option("--tls", is_flag=True, help="HTTPS; --aws-names includes it.")
@click.option("--address", help="Where AWS's names are served: an address of this machine. Default: 127.0.0.1.")
@click.option("--tls-port", type=click.IntRange(1, 65535), help="Its port, if another program forwards 443 to it.")
@click.option("--account", type=_Matching(settings.ACCOUNT_NUMBER, "12 digits"), help="The default account.")
@click.option("--region", type=_Matching(settings.REGION_NAME, "a Region"), help="The default Region.")
@click.option("--as-slow-as-aws", is_flag=True, default=None, help="Take AWS's usual time: IAM, Fargate, logs, scans.")
@click.option(
    "--decisions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append each decision of IAM to this file, as JSON.",
)
@pass_settings
def serve(sandbox: Settings, state: Path | None, tls: bool, **given: Any) -> None:
    """Run the sandbox in the foreground. It prints `ready URL`; Ctrl-C stops it."""
    from ecr_sandbox import serve

    chosen = {name: value for name, value in given.items() if value is not None}
    if state:
        chosen["state"] = state.expanduser().resolve()
    sandbox = replace(sandbox, **chosen)
    if tls and not sandbox.aws_names:
        raise click.UsageError("--tls is for AWS's host names: add --aws-names.")
    sys.exit(serve.main(sandbox))


@commands.command()
@pass_settings
def up(sandbox: Settings) -> None:
    """Start the sandbox in the background."""
    was_running = background.find(sandbox) is not None
    wanted = sandbox.port or listeners.remembered(sandbox.state).get(listeners.MAIN, settings.DEFAULT_PORT)
    status = background.start(sandbox)
    if not was_running and status["port"] != wanted:
        click.echo(listeners.replaced(wanted, status["port"]))
    click.echo(f"✔ sandbox {'runs already' if was_running else 'started'} at {status['endpoint']}")
    click.echo(f'  in any terminal: eval "$({sandbox.command} env)"')


@commands.command()
@pass_settings
def down(sandbox: Settings) -> None:
    """Stop the sandbox. Its content stays for the next start."""
    stopped = background.stop(sandbox)
    background.remove_containers(sandbox)
    click.echo(f"✔ sandbox {'stopped' if stopped else 'was not running'}")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@pass_settings
def status(sandbox: Settings, as_json: bool) -> None:
    """Show whether the sandbox runs, and where."""
    found = background.running(sandbox)
    found["versions"] = _versions() | found.get("versions", {})
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name in ("endpoint", "hub", "public", "pid", "state"):
        click.echo(f"{name:<13} {found.get(name)}")
    if names := found["aws_names"]:
        click.echo(f"{'certificate':<13} {names['ca']}")
        for each in names["names"]:
            click.echo(f"{'hosts file':<13} {names['address']} {each}")
    for name, version in sorted(found["versions"].items()):
        click.echo(f"{name:<13} {version or 'not found'}")


@commands.command()
@pass_settings
def env(sandbox: Settings) -> None:
    """Print the variables that point this terminal at the sandbox: eval "$(ecr-sandbox env)"."""
    from ecr_sandbox import environment

    print_environment(*environment.isolated_environment(background.running(sandbox)), sandbox.command)


@commands.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def reset(sandbox: Settings, yes: bool) -> None:
    """Remove all repositories, images and users, and start again."""
    if not yes and not click.confirm(f"Remove all repositories, images and users of the sandbox in {sandbox.state}?"):
        raise SandboxError("Nothing was removed.")
    background.stop(sandbox)
    background.remove_containers(sandbox)
    for name in USERS_DATA:
        _remove(sandbox.state / name)
    found = background.start(sandbox)
    click.echo(f"✔ sandbox reset: it is empty, at {found['endpoint']}")


@commands.command()
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="Seconds after which an unfinished push that sends nothing counts as abandoned; 0 when nothing is pushed.",
)
@pass_settings
def gc(sandbox: Settings, idle: float) -> None:
    """Free the disk space of layers that no image uses. Pushes may continue meanwhile."""
    result = background.collect_garbage(sandbox, idle)
    layers, uploads = _counted(result["layers"], "layer"), _counted(result["uploads"], "unfinished upload")
    deleted = " and ".join(filter(None, [layers and f"{layers} that no image uses", uploads]))
    click.echo(f"Freed {_size(result['freed'])}: {deleted}." if deleted else "Nothing to free.")
    if result["kept"]:
        click.echo(f"Kept {_size(result['kept'])} that a push of the last {_minutes(idle)} may need.")


@commands.command()
@click.option("--forward-days", type=click.FloatRange(min=0), default=0, help="Advance it by this many days.")
@pass_settings
def clock(sandbox: Settings, forward_days: float) -> None:
    """Show the sandbox's time, or advance its clock, so that images get older and lifecycle rules apply.

    `reset` sets it to the real time.
    """
    now = datetime.fromtimestamp(background.advance_clock(sandbox, forward_days * DAY), UTC)
    click.echo(f"It is {now:%Y-%m-%d %H:%M} UTC in the sandbox.")


@commands.group(invoke_without_command=True)
@click.pass_context
def advisories(context: click.Context) -> None:
    """Show which known vulnerabilities scans look for, and their date; `refresh` gets newer ones."""
    if context.invoked_subcommand:
        return
    from ecr_sandbox.services.ecr.scan import advisories

    for about in advisories.described(context.obj().state):
        click.echo(
            f"{about['date'][:10]}  {about['vulns']} advisories on {about['packages']} packages: {about['source']}"
        )
        click.echo(f"            {about['limits']}")


@advisories.command("refresh")
@pass_settings
def refresh_advisories(sandbox: Settings) -> None:
    """Ask OSV for advisories on the packages found in images. Only the names of the packages are sent."""
    from ecr_sandbox.services.ecr.scan.refresh import refresh

    packages, vulns = refresh(background.seen_packages(sandbox), sandbox.state)
    background.advisories_changed(sandbox)
    click.echo(f"✔ {vulns} advisories on {packages} packages, as of now in OSV")


def main() -> None:
    """Run ``ecr-sandbox``."""
    run(commands, "ecr-sandbox", settings.from_environ)


def run(group: click.Group, name: str, read: Callable[[], Settings], check: str = "") -> None:
    """Run the command line *name*. Every error is one sentence with its fix, and exit status 1.

    *read* returns the settings and may raise ValueError. *check* is the command to run after an unforeseen error.
    """
    check = check or f"{name} down, then {name} up"
    try:
        group.main(prog_name=name, obj=read, standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (KeyboardInterrupt, EOFError, click.Abort):
        _fail(name, SandboxError("Interrupted; nothing is lost.", "run the same command again"))
    except (SandboxError, ValueError) as wrong:
        _fail(name, wrong)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        fix = "free some disk space, then run it again" if error.errno == errno.ENOSPC else check
        _fail(name, SandboxError(f"{why}.", fix))
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        _fail(name, SandboxError(f"Unexpected error: {why.rstrip('.')}.", check))


def print_environment(new: Mapping[str, str], removed: Sequence[str], command: str) -> None:
    """Print shell commands that set and unset environment variables."""
    # Each line ends in a semicolon and the comment comes last, so that `eval $(… env)` works unquoted too.
    for name in removed:
        click.echo(f"unset {name};")
    for name, value in new.items():
        click.echo(f"export {name}={shlex.quote(value)};")
    click.echo(f'# Points this terminal at the local ECR: eval "$({command} env)"')


def _fail(name: str, error: Exception) -> None:
    click.echo(f"{name}: {error}", err=True)
    sys.exit(1)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else ""


def _size(n_bytes: int) -> str:
    """As registries count: 1 MB is a million bytes."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.2f} GB"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else f"{seconds:g} seconds"


def _versions() -> dict[str, str | None]:
    from importlib import metadata

    from ecr_sandbox import docker_engine

    versions: dict[str, str | None] = {"docker client": docker_engine.cli_version(), "docker engine": None}
    versions |= {name: metadata.version(name) for name in ("boto3", "moto")}
    with contextlib.suppress(SandboxError):
        versions["docker engine"] = docker_engine.client().version()["Version"]
    return versions


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
