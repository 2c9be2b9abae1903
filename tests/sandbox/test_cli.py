"""The command ecr-sandbox: what it prints, on which stream, with which exit status, and how fast."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import boto3
import psutil
import pytest

from ecr_sandbox import background, cli, settings
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings, from_environ
from tests.sandbox.conftest import free_port

ECR_SANDBOX = (sys.executable, "-m", "ecr_sandbox")
NOT_RUNNING = "The sandbox is not running. Fix: ecr-sandbox up"


@pytest.fixture
def environ(own_settings):
    """The environment of a terminal whose ECR_SANDBOX_* variables name the test's own sandbox."""
    return {
        **os.environ,
        "ECR_SANDBOX_STATE": str(own_settings.state),
        "ECR_SANDBOX_PORT": str(own_settings.port),
        "ECR_SANDBOX_BASE_IMAGE": "/nonexistent",
    }


@pytest.fixture
def run(environ):
    """Run ``ecr-sandbox`` with these arguments, this input and these additional variables."""

    def run(*arguments, stdin="", **more):
        everything = {**environ, **more}
        return subprocess.run([*ECR_SANDBOX, *arguments], env=everything, input=stdin, capture_output=True, text=True)

    return run


@pytest.fixture
def call(own_settings):
    """Run ``ecr-sandbox`` with these arguments in this process."""
    return lambda *arguments: cli.commands.main([*arguments], obj=lambda: own_settings, standalone_mode=False)


def fails(ran, sentence):
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"ecr-sandbox: {sentence}\n")


def test_up_status_down(run, own_settings):
    endpoint = f"http://localhost:{own_settings.port}"
    assert run("up").stdout == f'✔ sandbox started at {endpoint}\n  in any terminal: eval "$(ecr-sandbox env)"\n'
    assert run("up").stdout.startswith(f"✔ sandbox runs already at {endpoint}\n")
    found = json.loads(run("status", "--json").stdout)
    assert (found["endpoint"], found["port"]) == (endpoint, own_settings.port)
    assert found["state"] == str(own_settings.state)
    assert os.kill(found["pid"], 0) is None
    assert {"docker client", "docker engine", "moto", "boto3"} <= found["versions"].keys()
    assert f"endpoint      {endpoint}\n" in run("status").stdout
    assert run("down").stdout == "✔ sandbox stopped\n"
    assert run("down").stdout == "✔ sandbox was not running\n"


def test_up_names_the_port_that_it_could_not_get(run, own_settings):
    """Another program has it on ::1, which is localhost too."""
    with socket.create_server(("::1", own_settings.port), family=socket.AF_INET6):
        first, second, _ = run("up").stdout.splitlines()
    used = background.find(own_settings)["port"]
    assert first == f"Port {own_settings.port} is taken by another program: using {used}."
    assert second == f"✔ sandbox started at http://localhost:{used}"


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["env"], ["gc"], ["clock"]])
def test_commands_that_need_a_running_sandbox(run, arguments):
    fails(run(*arguments), NOT_RUNNING)


def test_serve_runs_in_the_foreground_until_a_signal(environ, tmp_path):
    port, state = free_port(), tmp_path / "chosen"
    command = [*ECR_SANDBOX, "serve", "--port", str(port), "--state", str(state)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == f"ready http://localhost:{port}\n"
        assert json.loads((state / "sandbox.json").read_text())["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not (state / "sandbox.json").exists()


@pytest.mark.parametrize(
    ("result", "arguments", "printed"),
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
def test_gc_shows_what_it_freed_and_kept(monkeypatch, capsys, call, result, arguments, printed):
    calls = []
    monkeypatch.setattr(background, "_control", lambda _, *request: calls.append(request) or result)
    call("gc", *arguments)
    assert capsys.readouterr().out == printed
    idle = float(arguments[1]) if arguments else 300.0
    assert calls == [("POST", f"/gc?idle={idle}", background.GARBAGE_COLLECTION_SECONDS)]


def test_gc_frees_nothing_while_the_state_is_unreadable(monkeypatch, call):
    monkeypatch.setattr(background, "_control", lambda *_: {"put_aside": ["state.db.unreadable-1"]})
    with pytest.raises(SandboxError, match=r"kept as state\.db\.unreadable-1, and its layers too"):
        call("gc")


def test_clock_shows_the_sandboxs_time_and_advances_it(monkeypatch, capsys, call):
    calls = []
    monkeypatch.setattr(
        background, "_control", lambda _, *request, body: calls.append((*request, body)) or {"now": 86400.0}
    )
    call("clock")
    call("clock", "--forward-days", "31")
    assert calls == [
        ("POST", "/clock", '{"forward": 0.0}'),
        ("POST", "/clock", f'{{"forward": {31 * 86400.0}}}'),
    ]
    assert capsys.readouterr().out == "It is 1970-01-02 00:00 UTC in the sandbox.\n" * 2


def test_clock_and_gc_use_the_key_in_the_state_folder(own_settings, call, capsys):
    background.start(own_settings)
    call("clock", "--forward-days", "31")
    call("gc")
    assert "Nothing to free." in capsys.readouterr().out
    key = own_settings.state / "control-secret"
    key.unlink()
    key.mkdir()
    with pytest.raises(SandboxError, match=r"control-secret, cannot be read \(Is a directory\)\. Fix: run this as"):
        call("clock")


def test_clock_does_not_go_back(run):
    assert "is not in the range x>=0" in run("clock", "--forward-days", "-1").stderr


def test_a_clock_that_cannot_be_advanced_that_far(monkeypatch, call):
    monkeypatch.setattr(background, "_control", lambda *_, body: None)
    with pytest.raises(SandboxError, match="less than 100 years"):
        call("clock", "--forward-days", "1e9")


@pytest.mark.parametrize("evaluate", ['eval "$(ecr-sandbox env)"', "eval $(ecr-sandbox env)"])
def test_any_shell_can_use_the_sandbox(environ, own_settings, tmp_path, evaluate):
    """Plain aws and docker, after eval "$(ecr-sandbox env)", quoted or not."""
    background.start(own_settings)
    (tmp_path / "ecr-sandbox").write_text(f'#!/bin/sh\nexec {" ".join(ECR_SANDBOX)} "$@"\n')
    (tmp_path / "ecr-sandbox").chmod(0o755)
    typed = f"""set -eu
        {evaluate}
        echo "[${{AWS_PROFILE-unset}}] [$AWS_PAGER] $REGISTRY"
        aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" 2>/dev/null
        """
    environ |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AWS_PROFILE": "mine"}
    ran = subprocess.run(["sh", "-c", typed], env=environ, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == (f"[unset] [] localhost:{own_settings.port}\nLogin Succeeded\n", "")


def test_env_is_fast(stub, run, own_settings):
    """Measured in processor time, because the test machine can be busy."""
    background.start(own_settings)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run("env").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.4


def test_env_survives_a_closed_pipe(stub, environ, own_settings):
    background.start(own_settings)
    typed = f"{' '.join(ECR_SANDBOX)} env | true"
    ran = subprocess.run(["sh", "-c", typed], env=environ, capture_output=True, text=True)
    assert ran.stderr == ""


def test_reset_keeps_the_address_and_other_files(run, own_settings):
    run("up")
    state = own_settings.state
    (state / "thesis.txt").write_text("mine")
    (state / "docker").mkdir()
    (state / "docker" / "config.json").write_text("{}")
    key = {"aws_access_key_id": settings.ACCESS_KEY, "aws_secret_access_key": settings.SECRET_KEY}
    where = {"endpoint_url": f"http://localhost:{own_settings.port}", "region_name": settings.REGION}
    ecr = boto3.client("ecr", **where, **key)
    ecr.create_repository(repositoryName="made-by-a-user")
    assert run("reset", stdin="n\n").stderr.endswith("ecr-sandbox: Nothing was removed.\n")
    assert ecr.describe_repositories()["repositories"]
    assert run("reset", "--yes").stdout == f"✔ sandbox reset: it is empty, at http://localhost:{own_settings.port}\n"
    assert "made-by-a-user" not in str(ecr.describe_repositories()["repositories"])
    assert not (state / "docker" / "config.json").exists()
    assert (state / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("environ_", "sentence"),
    [
        ({"ECR_SANDBOX_PORT": "x"}, "ECR_SANDBOX_PORT is 'x': set it to a number from 1 to 65535."),
        ({"ECR_SANDBOX_STATE": "/dev/null/x"}, "The state folder /dev/null/x cannot be written"),
    ],
)
@pytest.mark.parametrize("arguments", [["up"], ["reset", "--yes"]])
def test_a_bad_setting_is_one_sentence(run, arguments, environ_, sentence):
    ran = run(*arguments, **environ_)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"ecr-sandbox: {sentence}")
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--tls"], "--tls is for AWS's host names: add --aws-names."),
        (["--account", "12345"], "'12345' is not 12 digits."),
        (["--region", "mars"], "'mars' is not a Region."),
    ],
)
def test_options_of_serve_that_are_not_valid(run, options, sentence):
    got = run("serve", *options)
    assert (got.returncode, sentence in got.stderr) == (2, True), got.stderr


@pytest.mark.parametrize(("variable", "value"), [("ACCOUNT", "1"), ("REGION", "mars"), ("TLS_PORT", "x")])
def test_variables_of_awss_names_that_are_not_valid(variable, value):
    with pytest.raises(ValueError, match=f"ECR_SANDBOX_{variable} is '{value}': set it to "):
        from_environ({f"ECR_SANDBOX_{variable}": value})


def test_the_process_of_the_sandbox_gets_all_settings(tmp_path):
    names = ("210987654321", "eu-west-3", True, "10.0.0.1", 8443)
    chosen = Settings(tmp_path, 5051, None, "x", "X", *names, as_slow_as_aws=True, decisions=tmp_path / "x")
    assert from_environ(chosen.environ()) == chosen


def test_an_unknown_command(run):
    ran = run("start")
    assert ran.returncode == 2
    assert "No such command 'start'" in ran.stderr


def test_ctrl_c_prints_no_traceback(stub, environ):
    sleeping = (sys.executable, "-c", "import time; time.sleep(9)")
    code = f"from ecr_sandbox import background, cli; background.COMMAND = {sleeping}; cli.main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "up"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background process can ignore the signal
    )
    while not psutil.Process(child.pid).children():  # it now waits for the sandbox
        time.sleep(0.02)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[1].strip() == (
        "ecr-sandbox: Interrupted; nothing is lost. Fix: run the same command again"
    )
    assert child.returncode == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("a\nb."), "Unexpected error: a b. Fix: ecr-sandbox down, then ecr-sandbox up"),
        (OSError(28, "No space left on device"), "No space left on device. Fix: free some disk space, then "),
    ],
)
def test_an_unforeseen_error_is_one_sentence(monkeypatch, capsys, error, sentence):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli.commands, "main", fail)
    with pytest.raises(SystemExit) as exit:
        cli.main()
    assert exit.value.code == 1
    assert capsys.readouterr().err.startswith(f"ecr-sandbox: {sentence}")


def test_down_removes_the_containers(monkeypatch, own_settings, call):
    removed = []
    monkeypatch.setattr("ecr_sandbox.docker_engine.client", lambda: "engine")
    monkeypatch.setattr("ecr_sandbox.docker_forwarder.remove_forwarder", lambda *whose: removed.append(whose))
    monkeypatch.setattr("ecr_sandbox.docker_engine.remove_tasks", lambda *whose: removed.append(whose))
    call("down")
    assert removed == [("engine", own_settings.state)] * 2
