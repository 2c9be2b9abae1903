"""The command ecr-lab: the commands of ecr-sandbox for the course's sandbox, and the course's own commands."""

import os
import subprocess
import sys

import pytest

from ecr_sandbox import background
from helpers import cli, ledger, settings
from helpers.cleanup.kinds import Outcome
from helpers.exercises import progress
from helpers.ledger import Entry

ECR_LAB = (sys.executable, "-c", "from helpers.cli import main; main()")
NOT_RUNNING = "The sandbox is not running. Fix: ecr-lab up"


def run(*arguments, stdin="", **environ):
    return subprocess.run(
        [*ECR_LAB, *arguments],
        cwd=settings.PROJECT,
        env={**os.environ, **environ},
        input=stdin,
        capture_output=True,
        text=True,
    )


def fails(ran, sentence):
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"ecr-lab: {sentence}\n")


def test_ecr_lab_has_the_commands_of_ecr_sandbox_and_its_own():
    names = {"serve", "up", "down", "status", "env", "reset", "gc", "clock", "advisories"}
    assert set(cli.commands.commands) == names | {"cleanup", "doctor", "join", "leave", "progress", "room"}


def test_up_starts_the_sandbox_of_the_course(state):
    endpoint = f"http://localhost:{settings.port()}"
    assert run("up").stdout == f'✔ sandbox started at {endpoint}\n  in any terminal: eval "$(ecr-lab env)"\n'
    assert background.find(settings.sandbox())["state"] == str(state)
    assert run("down").stdout == "✔ sandbox stopped\n"


@pytest.mark.parametrize("arguments", [["status"], ["env"], ["gc"], ["clock"]])
def test_error_messages_name_ecr_lab(arguments):
    fails(run(*arguments), NOT_RUNNING)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"ECR_TUTORIAL_PORT": "x"}, "ECR_TUTORIAL_PORT is 'x': set it to a number from 1 to 65535."),
        ({"ECR_TUTORIAL_STATE": "/dev/null/x"}, "The state folder /dev/null/x cannot be written"),
    ],
)
def test_error_messages_name_the_variables_of_the_course(environ, sentence):
    ran = run("up", **environ)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"ecr-lab: {sentence}")
    assert len(ran.stderr.splitlines()) == 1


def test_an_unknown_target_or_command_is_an_error():
    fails(run("env", ECR_TUTORIAL_TARGET="gcp"), "ECR_TUTORIAL_TARGET is 'gcp': set it to 'sandbox' or 'aws'.")
    ran = run("start")
    assert ran.returncode == 2
    assert "No such command 'start'" in ran.stderr


def test_env_configures_a_posix_shell(tmp_path):
    """The commands of the course, typed by hand after eval "$(ecr-lab env)"."""
    background.start(settings.sandbox())
    (tmp_path / "ecr-lab").write_text(f'#!/bin/sh\nexec "{ECR_LAB[0]}" -c "{ECR_LAB[2]}" "$@"\n')
    (tmp_path / "ecr-lab").chmod(0o755)
    typed = """set -eu
        eval "$(ecr-lab env)"
        echo "$REPOSITORY_NAME $REPOSITORY_URI $(command -v python)"
        aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" 2>/dev/null
        """
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(["sh", "-c", typed], env=environ, capture_output=True, text=True)
    uri = f"localhost:{settings.port()}/demo-app-repo"
    python = os.path.join(os.path.dirname(sys.executable), "python")
    assert (ran.stdout, ran.stderr) == (f"demo-app-repo {uri} {python}\nLogin Succeeded\n", "")


def test_env_on_aws_sets_the_registry_and_no_credentials(monkeypatch, capsys):
    monkeypatch.setenv("ECR_TUTORIAL_TARGET", "aws")
    monkeypatch.setattr("helpers.aws_account.identity", lambda session: ("111111111111", "eu-west-1", "arn"))
    cli.commands.main(["env"], obj=settings.sandbox, standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert "export REGISTRY=111111111111.dkr.ecr.eu-west-1.amazonaws.com;" in lines
    assert f"export DOCKER_CONFIG='{settings.state()}/docker-on-aws/docker';" in lines
    assert not any("AWS_ACCESS_KEY_ID" in line or line.startswith("unset AWS") for line in lines)


def test_reset_deletes_the_progress(state):
    (state / progress.FILE).write_text("{}")
    assert run("reset", stdin="n\n").stderr.endswith("ecr-lab: Nothing was removed.\n")
    assert (state / progress.FILE).exists()
    assert run("reset", "--yes").stdout == f"✔ sandbox reset: it is empty, at http://localhost:{settings.port()}\n"
    assert not (state / progress.FILE).exists()


def test_doctor_exits_1_when_anything_is_missing(tmp_path):
    ran = run("doctor")
    assert ran.returncode == 0, ran.stdout
    ran = run("doctor", PATH=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert ran.returncode == 1
    assert "✗ Docker CLI      not installed. Fix: " in ran.stdout
    assert ran.stderr == ""


def test_an_unexpected_error_is_printed_as_one_sentence(monkeypatch, capsys):
    def fail(**_):
        raise RuntimeError("a\nb.")

    monkeypatch.setattr(cli.commands, "main", fail)
    with pytest.raises(SystemExit) as exit:
        cli.main()
    assert exit.value.code == 1
    assert capsys.readouterr().err == "ecr-lab: Unexpected error: a b. Fix: ecr-lab doctor\n"


# cleanup ---


def test_cleanup_deletes_what_the_course_made_and_can_run_again(on_aws, capsys, monkeypatch):
    monkeypatch.setattr("helpers.cleanup.engine.clean_up", lambda *_: Outcome([], []))
    on_aws.client().create_repository(repositoryName="demo-app-repo", tags=[settings.TAG])
    del os.environ["ECR_TUTORIAL_TARGET"]
    for arguments, line in (
        (["--dry-run"], "✔ repositories to delete: demo-app-repo"),
        ([], "✔ repositories deleted: demo-app-repo"),
        ([], "✔ repositories deleted: none was left"),
    ):
        assert cleanup_exits(["--target", "aws", *arguments]) == 0
        assert line in capsys.readouterr().out.splitlines()


def test_cleanup_that_could_not_look_fails(on_aws, deny, capsys, monkeypatch):
    monkeypatch.setattr("helpers.cleanup.engine.clean_up", lambda *_: Outcome([], []))
    deny("ecs:ListClusters")
    assert cleanup_exits([]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert "✗ clusters: unknown, ecs:ListClusters is not allowed" in printed
    assert printed.index("✗ clusters: unknown, ecs:ListClusters is not allowed") < len(printed) - 1


def test_reset_forgets_what_was_in_the_sandbox(monkeypatch):
    ledger.note(Entry(settings.ACCOUNT, "", "user", "demo-a"), Entry("999999999999", "", "user", "demo-b"))
    cli.commands.main(["reset", "--yes"], obj=settings.sandbox, standalone_mode=False)
    assert [entry.name for entry in ledger.entries()] == ["demo-b"]


def cleanup_exits(arguments) -> int:
    with pytest.raises(SystemExit) as raised:
        cli.commands.main(["cleanup", *arguments], obj=settings.sandbox, standalone_mode=False)
    return raised.value.code
