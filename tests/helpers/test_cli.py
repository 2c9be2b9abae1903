"""ecr-lab, run as a command: what it prints, where, with which exit status, and how fast."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from ecr_sandbox import SandboxError, background

from helpers import cli, settings

ECR_LAB = (sys.executable, "-c", "from helpers.cli import main; main()")


def run(*words, stdin="", **environ):
    return subprocess.run(
        [*ECR_LAB, *words],
        cwd=settings.PROJECT,
        env={**os.environ, **environ},
        input=stdin,
        capture_output=True,
        text=True,
    )


def fails(ran, sentence):
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"ecr-lab: {sentence}\n")


NOT_RUNNING = "The sandbox is not running. Fix: ecr-lab up"


def test_up_status_down(state):
    endpoint = f"http://localhost:{settings.port()}"
    assert run("up").stdout == f'✔ sandbox started at {endpoint}\n  in any terminal: eval "$(ecr-lab env)"\n'
    assert run("up").stdout.startswith(f"✔ sandbox runs already at {endpoint}\n")
    found = json.loads(run("status", "--json").stdout)
    assert (found["endpoint"], found["port"], found["state"]) == (endpoint, settings.port(), str(state))
    assert os.kill(found["pid"], 0) is os.kill(found["registry_pid"], 0) is None
    assert {"docker client", "docker engine", "registry", "moto", "boto3", "awscli"} <= found["versions"].keys()
    assert f"endpoint      {endpoint}\n" in run("status").stdout
    assert run("down").stdout == "✔ sandbox stopped\n"
    assert run("down").stdout == "✔ sandbox was not running\n"
    fails(run("status"), NOT_RUNNING)
    fails(run("status", "--json"), NOT_RUNNING)
    fails(run("gc"), NOT_RUNNING)
    fails(run("clock"), NOT_RUNNING)


@pytest.mark.parametrize(
    ("swept", "words", "said"),
    [
        (
            {"layers": 12, "freed": 34_150_000, "kept": 5_000_000, "uploads": 0},
            [],
            "Freed 34.1 MB: 12 layers that no image uses.\nKept 5.0 MB that a push of the last 5 minutes may need.\n",
        ),
        (
            {"layers": 1, "freed": 2_500_000_000, "kept": 0, "uploads": 2},
            [],
            "Freed 2.50 GB: 1 layer that no image uses and 2 unfinished uploads.\n",
        ),
        (
            {"layers": 0, "freed": 10_000, "kept": 1_000, "uploads": 1},
            ["--idle", "30"],
            "Freed 0.0 MB: 1 unfinished upload.\nKept 0.0 MB that a push of the last 30 seconds may need.\n",
        ),
        ({"layers": 0, "freed": 0, "kept": 0, "uploads": 0}, [], "Nothing to free.\n"),
    ],
)
def test_gc_says_what_it_freed_and_kept(monkeypatch, capsys, swept, words, said):
    asked = []
    monkeypatch.setattr(background, "find", lambda: {"endpoint": "http://localhost:1"})
    monkeypatch.setattr(background, "_ask", lambda *request: asked.append(request) or swept)
    cli.commands.main(["gc", *words], standalone_mode=False)
    assert capsys.readouterr().out == said
    idle = float(words[1]) if words else 300.0
    assert asked == [("http://localhost:1", "POST", f"/gc?idle={idle}", background.SWEEP_SECONDS)]


def test_gc_frees_nothing_that_an_unreadable_state_may_need(monkeypatch):
    monkeypatch.setattr(background, "find", lambda: {"endpoint": "http://localhost:1"})
    monkeypatch.setattr(background, "_ask", lambda *_: {"put_aside": ["state.db.unreadable-1"]})
    with pytest.raises(SandboxError, match=r"kept as state\.db\.unreadable-1, and its layers too\. Fix: move it away"):
        cli.commands.main(["gc"], standalone_mode=False)


def test_clock_tells_the_sandbox_s_time_and_moves_it(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(background, "find", lambda: {"endpoint": "http://localhost:1"})
    monkeypatch.setattr(background, "_ask", lambda *request, body: asked.append((*request, body)) or {"now": 86400.0})
    cli.commands.main(["clock"], standalone_mode=False)
    cli.commands.main(["clock", "--forward-days", "31"], standalone_mode=False)
    assert asked == [
        ("http://localhost:1", "POST", "/clock", '{"forward": 0.0}'),
        ("http://localhost:1", "POST", "/clock", f'{{"forward": {31 * 86400.0}}}'),
    ]
    assert capsys.readouterr().out == "It is 1970-01-02 00:00 UTC in the sandbox.\n" * 2


def test_clock_does_not_go_back():
    assert "is not in the range x>=0" in run("clock", "--forward-days", "-1").stderr


def test_a_clock_that_cannot_be_moved_so_far(monkeypatch):
    monkeypatch.setattr(background, "find", lambda: {"endpoint": "http://localhost:1"})
    monkeypatch.setattr(background, "_ask", lambda *_, body: None)
    with pytest.raises(SandboxError, match="less than 100 years"):
        cli.commands.main(["clock", "--forward-days", "1e9"], standalone_mode=False)


def test_env_needs_a_running_sandbox():
    fails(run("env"), NOT_RUNNING)


def test_any_shell_can_use_it(tmp_path, state):
    """The commands of the course, typed by hand after eval "$(ecr-lab env)", quoted or not."""
    background.start()
    (tmp_path / "ecr-lab").write_text(f'#!/bin/sh\nexec "{ECR_LAB[0]}" -c "{ECR_LAB[2]}" "$@"\n')
    (tmp_path / "ecr-lab").chmod(0o755)
    for evaluate in ('eval "$(ecr-lab env)"', "eval $(ecr-lab env)"):
        typed = f"""set -eu
            {evaluate}
            echo "[${{AWS_PROFILE-unset}}] [$AWS_PAGER] $REPOSITORY_URI"
            aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" 2>/dev/null
            """
        environ = {
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": str(settings.PROJECT),
            "AWS_PROFILE": "mine",
        }
        ran = subprocess.run(["sh", "-c", typed], env=environ, capture_output=True, text=True)
        uri = f"localhost:{settings.port()}/demo-app-repo"
        assert (ran.stdout, ran.stderr) == (f"[unset] [] {uri}\nLogin Succeeded\n", "")


def test_env_is_quick(stub):
    """In processor time, because the machine that runs the tests may be busy."""
    background.start()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run("env").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.4


def test_env_survives_a_closed_pipe(stub):
    background.start()
    typed = f"'{ECR_LAB[0]}' -c '{ECR_LAB[2]}' env | true"
    ran = subprocess.run(["sh", "-c", typed], cwd=settings.PROJECT, capture_output=True, text=True)
    assert ran.stderr == ""


def test_reset_starts_afresh_and_keeps_address_and_what_is_not_ours(state):
    run("up")
    (state / "thesis.txt").write_text("mine")
    (state / "docker").mkdir()
    (state / "docker" / "config.json").write_text("{}")
    import boto3

    key = {"aws_access_key_id": settings.ACCESS_KEY, "aws_secret_access_key": settings.SECRET_KEY}
    where = {"endpoint_url": background.find()["endpoint"], "region_name": settings.REGION}
    ecr = boto3.client("ecr", **where, **key)
    ecr.create_repository(repositoryName="made-by-a-learner")
    assert run("reset", stdin="n\n").stderr.endswith("ecr-lab: Nothing was removed.\n")
    assert ecr.describe_repositories()["repositories"]
    ran = run("reset", "--yes")
    assert ran.stdout == f"✔ sandbox reset: it is as new, at http://localhost:{settings.port()}\n"
    assert "made-by-a-learner" not in str(ecr.describe_repositories()["repositories"])
    assert not (state / "docker" / "config.json").exists()
    assert (state / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"ECR_TUTORIAL_PORT": "x"}, "ECR_TUTORIAL_PORT is 'x': set it to a number from 1 to 65535."),
        ({"ECR_TUTORIAL_STATE": "/dev/null/x"}, "The state folder /dev/null/x cannot be written"),
    ],
)
@pytest.mark.parametrize("command", ["up", "reset"])
def test_up_and_reset_say_what_is_wrong(environ, sentence, command):
    ran = run(command, *(["--yes"] if command == "reset" else []), **environ)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"ecr-lab: {sentence}")
    assert len(ran.stderr.splitlines()) == 1


def test_an_unknown_target_and_an_unknown_command():
    fails(run("env", ECR_TUTORIAL_TARGET="gcp"), "ECR_TUTORIAL_TARGET is 'gcp': set it to 'sandbox' or 'aws'.")
    ran = run("serve")
    assert ran.returncode == 2
    assert "No such command 'serve'" in ran.stderr


def test_ctrl_c_is_no_traceback(stub):
    code = "from helpers import background, cli; background.COMMAND = ('sleep', '9'); cli.main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "up"],
        cwd=settings.PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what runs in the background may ignore it
    )
    while not psutil.Process(child.pid).children():  # now it waits for the sandbox
        time.sleep(0.02)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[1].strip() == (
        "ecr-lab: Interrupted; nothing is lost. Fix: run the same command again"
    )
    assert child.returncode == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("a\nb."), "Something unforeseen: a b. Fix: ecr-lab doctor"),
        (
            OSError(28, "No space left on device"),
            "No space left on device. Fix: free some disk space, then ",
        ),
    ],
)
def test_the_unforeseen_is_one_sentence(monkeypatch, capsys, error, sentence):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli.commands, "main", fail)
    with pytest.raises(SystemExit) as exit:
        cli.main()
    assert exit.value.code == 1
    assert capsys.readouterr().err.startswith(f"ecr-lab: {sentence}")


def test_down_removes_what_the_sandbox_has_in_the_engine(monkeypatch, capsys):
    removed = []
    monkeypatch.setattr("ecr_sandbox.docker_engine.client", lambda: "engine")
    monkeypatch.setattr("ecr_sandbox.docker_engine.remove_forwarder", removed.append)
    monkeypatch.setattr("ecr_sandbox.docker_engine.remove_tasks", lambda *whose: removed.append(whose))
    cli.commands.main(["down"], standalone_mode=False)
    assert removed == ["engine", ("engine", settings.state())]


def test_doctor_exits_1_when_anything_is_missing(tmp_path):
    ran = run("doctor")
    assert ran.returncode == 0, ran.stdout
    ran = run("doctor", PATH=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert ran.returncode == 1
    assert "✗ Docker CLI      not installed. Fix: " in ran.stdout
    assert ran.stderr == ""


def test_the_command_is_declared():
    assert 'ecr-lab = "helpers.cli:main"' in (Path(settings.PROJECT) / "pyproject.toml").read_text()
