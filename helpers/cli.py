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
    """Remove all repositories, images, users and your progress, leave the room of your teacher, and start again."""
    from helpers import ledger
    from helpers.exercises import state_file
    from helpers.room import sharing

    context.invoke(command_group.commands["reset"], yes=yes)
    state_file.delete_all()
    ledger.cross_off(each for each in ledger.entries() if each.account in (settings.ACCOUNT, settings.OTHER_ACCOUNT))
    if sharing.joined():  # another person may start again, who did not join
        context.invoke(leave)
        click.echo("  ecr-lab join joins it again")


@commands.command()
def doctor() -> None:
    """Check every prerequisite and show how to fix what is missing."""
    from helpers import doctor

    rows = doctor.examine() + doctor.room_rows()  # the room is not in the report of notebook 00
    for row in rows:
        click.echo(doctor.line(row))
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


@commands.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--target", type=click.Choice(["sandbox", "aws"]), help="Default: ECR_TUTORIAL_TARGET, else sandbox.")
def cleanup(dry_run: bool, target: str | None) -> None:
    """Delete everything that you made in this course, and nothing else; it can run again after an interruption."""
    from helpers import lab

    if target:
        os.environ["ECR_TUTORIAL_TARGET"] = target
    sys.exit(1 if lab.connect().clean_up(dry_run)["problems"] else 0)


@commands.command()
def progress() -> None:
    """Show which notebooks, exercises and claims are done, and which is next."""
    from helpers.exercises import progress

    progress.show()


@commands.command()
@click.option("--address", default="127.0.0.1", help="Where to listen. Default: 127.0.0.1, this machine only.")
@click.option("--port", type=click.IntRange(1, 65535), default=8899, help="Default: 8899.")
@click.option("--base-path", default="/", envvar="ECR_TUTORIAL_ROOM_BASE_PATH", help="The prefix of a proxy.")
@click.option("--forget", is_flag=True, help="Delete what the room keeps: names, progress, code and key.")
def room(address: str, port: int, base_path: str, forget: bool) -> None:
    """For teachers: open a page that shows where the learners are who join."""
    if forget:
        from helpers.room import settings as kept

        click.echo(f"✔ the room {'is forgotten' if kept.forget() else 'had nothing to forget'}")
        return
    from helpers.room import serve

    serve.run(address, port, base_path)


@commands.command()
@click.argument("address", envvar="ECR_TUTORIAL_ROOM", default="")
@click.option("--name", required=True, help="What the teacher's page calls you.")
def join(address: str, name: str) -> None:
    """Join the room of your teacher, at the ADDRESS that the teacher gives. Your progress is sent there."""
    from helpers.room import sharing

    joined = sharing.join(address, name)
    click.echo(f"✔ you joined the room at {joined.address} as {joined.name}")
    for line in sharing.WHAT_IS_SENT:
        click.echo(f"  {line}")


@commands.command()
def leave() -> None:
    """Leave the room of your teacher: nothing is sent from now on."""
    from helpers.room import sharing

    before, error = sharing.leave()
    if not before:
        click.echo("✔ you are in no room")
    elif error:
        click.echo(f"✔ nothing is sent from now on; the room could not remove {before.name}: {error}")
    else:
        click.echo(f"✔ you left the room at {before.address}: it removed {before.name}")


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
