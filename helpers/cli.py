"""The command ``ecr-lab``: the commands of ``ecr-sandbox`` for the course's sandbox, and the course's own."""

import os
import sys

import click

import ecr_sandbox
from ecr_sandbox import command_group
from helpers import settings
from helpers.errors import LabError


@click.group(commands={**command_group.commands}, context_settings=command_group.context_settings)
def commands() -> None:
    """The local Amazon ECR of this course, and your progress in it."""


@commands.command()
def env() -> None:
    """Print the variables that point this terminal at the course's ECR: eval "$(ecr-lab env)"."""
    ecr_sandbox.print_environment(*_environment(), "ecr-lab")


@commands.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def reset(context: click.Context, yes: bool) -> None:
    """Remove all repositories, images, users and your progress, and start again."""
    from helpers import ledger
    from helpers.exercises import state_file

    context.invoke(command_group.commands["reset"], yes=yes)
    state_file.delete_all()
    ledger.cross_off(each for each in ledger.entries() if each.account in (settings.ACCOUNT, settings.OTHER_ACCOUNT))


@commands.command()
def doctor() -> None:
    """Check every prerequisite and show how to fix what is missing."""
    from helpers import doctor

    rows = doctor.examine()
    for row in rows:
        click.echo(doctor.line(row))
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


@commands.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--target", type=click.Choice(["sandbox", "aws"]), help="Default: ECR_TUTORIAL_TARGET, else sandbox.")
def cleanup(dry_run: bool, target: str | None) -> None:
    """Delete everything that this course made, and nothing else; it can run again after an interruption."""
    from helpers import lab

    if target:
        os.environ["ECR_TUTORIAL_TARGET"] = target
    sys.exit(1 if lab.connect().clean_up(dry_run)["problems"] else 0)


@commands.command()
def progress() -> None:
    """Show which notebooks, exercises and claims are done, and which is next."""
    from helpers.exercises import progress

    progress.show()


def main() -> None:
    """Run ``ecr-lab``."""
    ecr_sandbox.run_command_group(commands, "ecr-lab", settings.sandbox, check="ecr-lab doctor")


def _environment() -> tuple[dict[str, str], list[str]]:
    # Imported here because the engine's client takes longer to import than everything else takes to run.
    from helpers import aws_account, lab

    if lab.chosen_target() == "sandbox":
        return lab.enter_sandbox()[1:]
    if ecr_sandbox.is_isolated(os.environ, settings.state()):
        raise LabError("This terminal is set up for the sandbox.", "open a new terminal")
    account, region, _ = aws_account.identity(aws_account.session())
    docker, unset = lab.docker_configuration()
    return aws_account.variables(account, region) | docker, unset
