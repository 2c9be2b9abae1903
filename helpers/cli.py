"""``ecr-lab``: the sandbox in the background, for any terminal."""

import contextlib
import errno
import json
import os
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from ecr_sandbox import SandboxError, background

from helpers import settings

# What learners make; the port and the signing secret outlive a reset, so that addresses stay the same.
MADE_BY_LEARNERS = ("state.db", "state.db-wal", "state.db-shm", "registry", "docker", "aws", "bin", "progress.json")

DAY = 24 * 60 * 60  # seconds


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """The local Amazon ECR of this tutorial: up, down, status, env, doctor, progress, gc, clock, advisories, reset."""


@commands.command()
def up() -> None:
    """Start the sandbox in the background."""
    was_running = background.find() is not None
    status = background.start()
    click.echo(f"✔ sandbox {'runs already' if was_running else 'started'} at {status['endpoint']}")
    click.echo('  in any terminal: eval "$(ecr-lab env)"')


@commands.command()
def down() -> None:
    """Stop the sandbox; what is in it stays for the next time."""
    stopped = background.stop()
    _remove_forwarder()
    _remove_tasks()
    click.echo(f"✔ sandbox {'stopped' if stopped else 'was not running'}")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Say whether the sandbox runs, and where."""
    running = background.find()
    if not running:
        raise SandboxError("The sandbox is not running.", "ecr-lab up")
    running["versions"] = _versions() | running.get("versions", {})
    if as_json:
        click.echo(json.dumps(running, indent=2))
        return
    for name in ("endpoint", "hub", "public", "pid", "registry_pid", "state"):
        click.echo(f"{name:<13} {running.get(name)}")
    for name, version in sorted(running["versions"].items()):
        click.echo(f"{name:<13} {version or 'not found'}")


@commands.command()
def env() -> None:
    """Print what points this terminal at the sandbox: eval "$(ecr-lab env)"."""
    new, gone = _environment()
    # Each line ends in a semicolon and the comment comes last: `eval $(ecr-lab env)`, unquoted, works too.
    for name in gone:
        click.echo(f"unset {name};")
    for name, value in new.items():
        click.echo(f"export {name}={shlex.quote(value)};")
    click.echo('# Points this terminal at the tutorial\'s ECR: eval "$(ecr-lab env)"')


@commands.command()
def doctor() -> None:
    """Check every prerequisite and say how to fix what is missing."""
    from helpers import doctor

    rows = doctor.examine()
    for row in rows:
        click.echo(doctor.line(row))
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


@commands.command()
def progress() -> None:
    """Say which notebooks, exercises and claims are done, and where to go on."""
    from helpers.exercises import progress

    progress.show()


@commands.command()
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="Seconds of silence after which a push that did not end counts as given up; 0 when nobody pushes.",
)
def gc(idle: float) -> None:
    """Free the disk space of layers that no image uses; pushes may go on."""
    swept = background.collect_garbage(idle)
    layers, uploads = _counted(swept["layers"], "layer"), _counted(swept["uploads"], "unfinished upload")
    gone = [layers and f"{layers} that no image uses", uploads]
    names = " and ".join(filter(None, gone))
    click.echo(f"Freed {_size(swept['freed'])}: {names}." if names else "Nothing to free.")
    if swept["kept"]:
        click.echo(f"Kept {_size(swept['kept'])} that a push of the last {_minutes(idle)} may need.")


@commands.command()
@click.option("--forward-days", type=click.FloatRange(min=0), default=0, help="Move it on by so many days.")
def clock(forward_days: float) -> None:
    """Say what time it is in the sandbox, or move its clock on: images age, rules act; ecr-lab reset sets it right."""
    now = datetime.fromtimestamp(background.advance_clock(forward_days * DAY), UTC)
    click.echo(f"It is {now:%Y-%m-%d %H:%M} UTC in the sandbox.")


@commands.group(invoke_without_command=True)
@click.pass_context
def advisories(context: click.Context) -> None:
    """Say which known vulnerabilities scans look for, and from when; `refresh` fetches newer ones."""
    if context.invoked_subcommand:
        return
    from ecr_sandbox.services.ecr.scan import advisories as known

    for about in known.described():
        click.echo(
            f"{about['date'][:10]}  {about['vulns']} advisories on {about['packages']} packages: {about['source']}"
        )
        click.echo(f"            {about['limits']}")


@advisories.command("refresh")
def refresh_advisories() -> None:
    """Ask OSV what is known today of the packages that were found in images; their names go out, nothing else."""
    from ecr_sandbox.services.ecr.scan.refresh import refresh

    packages, vulns = refresh(background.seen_packages())
    background.advisories_changed()
    click.echo(f"✔ {vulns} advisories on {packages} packages, as OSV has them now")


@commands.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Remove everything learners made in the sandbox and start afresh."""
    state = settings.state()
    if not yes and not click.confirm(f"Remove all repositories, images and users of the sandbox in {state}?"):
        raise SandboxError("Nothing was removed.")
    background.stop()
    _remove_tasks()
    for name in MADE_BY_LEARNERS:
        _remove(state / name)
    status = background.start()
    click.echo(f"✔ sandbox reset: it is as new, at {status['endpoint']}")


def main() -> None:
    """Run ``ecr-lab``; whatever goes wrong is one sentence and exit status 1."""
    try:
        commands.main(standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (KeyboardInterrupt, EOFError, click.Abort):
        _fail("Interrupted; nothing is lost. Fix: run the same command again")
    except (SandboxError, ValueError) as wrong:
        _fail(str(wrong))
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        fix = "free some disk space, then run it again" if error.errno == errno.ENOSPC else "ecr-lab doctor"
        _fail(f"{why}. Fix: {fix}")
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        _fail(f"Something unforeseen: {why.rstrip('.')}. Fix: ecr-lab doctor")


def _fail(sentence: str) -> None:
    click.echo(f"ecr-lab: {sentence}", err=True)
    sys.exit(1)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else ""


def _size(n_bytes: int) -> str:
    """As registries count: 1 MB is a million bytes."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.2f} GB"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else f"{seconds:g} seconds"


def _environment() -> tuple[dict[str, str], list[str]]:
    # Imported here because boto3 takes longer to import than everything else takes to run.
    from helpers import lab

    if lab.asked_target() == "sandbox":
        return lab.enter_sandbox()[1:]
    import boto3
    from ecr_sandbox import environment

    if environment.is_isolated(os.environ):
        raise SandboxError("This terminal is set up for the sandbox.", "open a new terminal")
    from helpers import aws_account

    account, region, _ = aws_account.identity(boto3.Session())
    return aws_account.variables(account, region), []


def _versions() -> dict[str, str | None]:
    from importlib import metadata

    from ecr_sandbox import docker_engine

    versions: dict[str, str | None] = {name: metadata.version(name) for name in ("boto3", "awscli", "moto")}
    versions["docker engine"] = None
    versions["docker client"] = docker_engine.cli_version()
    versions["registry"] = docker_engine.registry_version()
    with contextlib.suppress(SandboxError):
        versions["docker engine"] = docker_engine.client().version()["Version"]
    return versions


def _remove_forwarder() -> None:
    from ecr_sandbox import docker_engine

    with contextlib.suppress(SandboxError):  # no engine, no forwarder
        docker_engine.remove_forwarder(docker_engine.client())


def _remove_tasks() -> None:
    """The sandbox removes them itself, unless it was killed."""
    from ecr_sandbox import docker_engine

    with contextlib.suppress(SandboxError):  # no engine, no containers
        docker_engine.remove_tasks(docker_engine.client(), settings.state())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
