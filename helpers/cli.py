"""The command ``ecr-lab``: the commands of ``ecr-sandbox`` for the course's sandbox, and the course's own."""

import os
import sys

import click
from ecr_sandbox import cli as sandbox_cli
from ecr_sandbox.errors import LabError

from helpers import settings


@click.group(commands={**sandbox_cli.commands.commands}, context_settings=sandbox_cli.commands.context_settings)
def commands() -> None:
    """The local Amazon ECR of this course, and your progress in it."""


@commands.command()
def env() -> None:
    """Print the variables that point this terminal at the course's ECR: eval "$(ecr-lab env)"."""
    sandbox_cli.print_environment(*_environment(), "ecr-lab")


@commands.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def reset(context: click.Context, yes: bool) -> None:
    """Remove all repositories, images, users and your progress, and start again."""
    from helpers import progress

    context.invoke(sandbox_cli.reset, yes=yes)
    (settings.state() / progress.FILE).unlink(missing_ok=True)


@commands.command()
def doctor() -> None:
    """Check every prerequisite and show how to fix what is missing."""
    from helpers import doctor

    rows = doctor.examine()
    for row in rows:
        click.echo(doctor.line(row))
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


@commands.command()
def progress() -> None:
    """Show which notebooks, exercises and claims are done, and which is next."""
    from helpers import progress

    progress.show()


def main() -> None:
    """Run ``ecr-lab``."""
    sandbox_cli.run(commands, "ecr-lab", settings.sandbox, check="ecr-lab doctor")


def _environment() -> tuple[dict[str, str], list[str]]:
    # Imported here because boto3 takes longer to import than everything else takes to run.
    from helpers import lab

    if lab.asked_target() == "sandbox":
        return lab.enter_sandbox()[1:]
    import boto3
    from ecr_sandbox import environment

    if environment.is_isolated(os.environ, settings.state()):
        raise LabError("This terminal is set up for the sandbox.", "open a new terminal")
    account, region, _ = lab.aws_identity(boto3.Session())
    return lab.aws_names(account, region), []
