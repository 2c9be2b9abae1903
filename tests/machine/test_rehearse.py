"""Real clients use the sandbox by AWS's names, on a private machine, and this machine does not change."""

import json
import os
import re
import subprocess
import sys

import pytest

from machine import clients, learner, private_machine, rehearse
from machine.project import ROOT, base_image_layout
from tests.machine.test_private_machine import WHY_NOT
from tests.notebooks import course

LACKING = [each for each in ("crane", "skopeo", "ip", "docker-credential-ecr-login") if not clients.find(each)]
LEARNER = f"arn:aws:iam::{rehearse.ACCOUNT}:user/{learner.USER}"
REGISTRY = f"{rehearse.ACCOUNT}.dkr.ecr.{rehearse.REGION}.amazonaws.com"

# The first process of the private machine, without a Docker engine; the rehearsal itself tests docker.
FIRST = """
import subprocess, sys
from machine import private_machine
private_machine.enter()
sys.exit(private_machine.wait_for(subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)))
"""
CLIENTS = f"""
set -eo pipefail
cd "$HOME"
export DOCKER_CONFIG="$HOME/docker"  # in ~/.docker are passwords of others
uri=$(aws ecr create-repository --repository-name app --query repository.repositoryUri --output text)
echo "uri $uri"
aws ecr get-login-password | crane auth login --username AWS --password-stdin {REGISTRY}
echo a layer > file; tar cf layer.tar file
crane append --new_layer layer.tar --new_tag "$uri:v1" > pushed
crane pull "$uri:v1" pulled.tar; test -s pulled.tar; echo pulled
skopeo inspect "docker://$uri:v1" --format 'skopeo {{{{.Name}}}}'
layer=$(crane manifest "$uri:v1" | python -c 'import json, sys; print(json.load(sys.stdin)["layers"][0]["digest"])')
aws ecr get-download-url-for-layer --repository-name app --layer-digest "$layer" --query downloadUrl --output text > url
echo "layers $(cut -d / -f 1-3 url)"
curl --silent --show-error --fail --output got "$(cat url)"; test -s got; echo got it
python -c "import boto3; print('boto3', boto3.client('sts').get_caller_identity()['Arn'])"
crane auth token public.ecr.aws/docker/library/python > token && echo "public $(test -s token && echo token)"
mkdir lesson; echo "$LESSON" > lesson/config.json
test "$(DOCKER_CONFIG=$PWD/lesson crane digest "$uri:v1")" = "$(crane digest "$uri:v1")"; echo credential helper
AWS_ACCESS_KEY_ID=wrong AWS_SECRET_ACCESS_KEY=wrong DOCKER_CONFIG=$PWD/lesson crane digest "$uri:v1" && exit 1
! SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/nonexistent crane digest "$uri:v1" 2> untrusted
grep --quiet 'certificate signed by unknown authority' untrusted; echo untrusted
"""


def credential_helper() -> str:
    """Docker's configuration as notebook 05 has it, with the registry of the rehearsal."""
    [path] = [path for path in course.PATHS if path.name.startswith("05")]
    cells = [cell.source for cell in course.read(path).cells if "credHelpers" in cell.source]
    [lines] = re.findall(r"```json\n(.*?)```", cells[0], re.DOTALL)
    return lines.replace("123456789012.dkr.ecr.us-east-1.amazonaws.com", REGISTRY)


def test_it_refuses_to_run_on_this_machine():
    """Otherwise it would mount a file system over /etc here."""
    argv = rehearse.on_a_private_machine(["echo", "ran"])
    got = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert (got.returncode, got.stdout) == (1, "")
    assert "this is not a private machine" in got.stderr


@pytest.mark.parametrize("outside", [None, ""])
def test_it_refuses_to_run_without_the_check(outside):
    environ = {name: value for name, value in os.environ.items() if name != rehearse.OUTSIDE}
    environ |= {} if outside is None else {rehearse.OUTSIDE: outside}
    argv = [sys.executable, "-m", "machine.rehearse", rehearse.INSIDE, "echo", "ran"]
    got = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, env=environ)
    assert (got.returncode, got.stdout) == (1, "")


def test_without_a_private_machine_it_is_skipped_with_the_reason(monkeypatch, capfd):
    def refuse():
        raise private_machine.Unavailable("it needs root")

    monkeypatch.setattr(private_machine, "check", refuse)
    assert rehearse.main([]) == 0
    assert capfd.readouterr().err == (
        "SKIPPED: the rehearsal of the course on AWS needs a private machine, and it needs root.\n"
    )


@pytest.fixture
def rehearsal(monkeypatch, tmp_path):
    """A rehearsal in which nothing runs; what would run on the private machine is in the list."""
    ran: list[list[str]] = []
    for name in (learner.PREFIX, learner.POLICY, rehearse.KEEP, rehearse.OUTSIDE):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(rehearse, "KEPT", tmp_path)
    monkeypatch.setattr(rehearse, "state_of_machine", lambda: {})
    monkeypatch.setattr(private_machine, "check", lambda: None)
    monkeypatch.setattr(rehearse.newer_engine, "missing", lambda: "")
    monkeypatch.setattr(rehearse.newer_engine, "main", lambda command: ran.append(command) or 0)
    return ran


def test_a_changed_machine_is_found(rehearsal, monkeypatch, capfd):
    states = iter([{"/etc/hosts": "a", "firewall": "x"}, {"/etc/hosts": "b", "firewall": "x"}])
    monkeypatch.setattr(rehearse, "state_of_machine", lambda: next(states))
    assert rehearse.main([]) == 1
    assert capfd.readouterr().err == "The rehearsal changed this machine: /etc/hosts.\n"


def test_every_notebook_and_every_solution_runs(rehearsal):
    assert rehearse.main([]) == 0
    assert rehearsal[0][-4:] == ["--course", "--nbval", "notebooks", "tests/notebooks/solve_on_aws.py"]


def test_what_is_no_option_of_the_rehearsal_is_one_of_pytest(rehearsal):
    assert rehearse.main(["--least-policy", "-q", "-p", "no:cacheprovider", "notebooks", "-k", "a or b"]) == 0
    assert rehearsal[0][-7:] == ["--course", "-q", "-p", "no:cacheprovider", "notebooks", "-k", "a or b"]
    assert os.environ[learner.POLICY] == "aws-policy.json"


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_name_without_the_prefix_is_found(rehearsal, monkeypatch, tmp_path, capfd, by):
    if by == "variable":
        monkeypatch.setenv(learner.PREFIX, "tom-")
    arguments, log = ["--prefix", "tom-"] if by == "option" else [], tmp_path / rehearse.DECISIONS
    arn = "arn:aws:ecr:eu-west-3:210987654321:repository"
    names = [f"{arn}/tom-app-repo", "*", f"{arn}/tom-demo-x", "arn:aws:iam::210987654321:user/rehearsal"]
    log.write_text("".join(json.dumps({"principal": LEARNER, "resource": name}) + "\n" for name in names))
    assert rehearse.main(arguments) == 0
    with log.open("a") as file:
        file.write(json.dumps({"principal": LEARNER, "resource": f"{arn}/demo-app-repo"}) + "\n")
    assert rehearse.main(arguments) == 1
    assert capfd.readouterr().err == f"Not named as ECR_TUTORIAL_PREFIX asks for: {arn}/demo-app-repo\n"


def test_clean_up_may_read_the_tags_of_others(tmp_path):
    log, arn = tmp_path / "log", "arn:aws:iam::210987654321:user/demo-pusher"
    used = {"principal": LEARNER, "resource": arn}
    log.write_text(json.dumps({**used, "action": "iam:ListUserTags"}) + "\n")
    assert rehearse.with_default_prefix(log, "tom-") == []
    log.write_text(json.dumps({**used, "action": "iam:DeleteUser"}) + "\n")
    assert rehearse.with_default_prefix(log, "tom-") == [arn]


def test_another_learner_can_have_used_the_account(rehearsal, monkeypatch, tmp_path):
    monkeypatch.setenv(learner.OTHER_LEARNER, "")
    (tmp_path / rehearse.DECISIONS).write_text("")
    assert rehearse.main(["--prefix", "tom-", "--other-learner", "notebooks"]) == 0
    assert os.environ[learner.OTHER_LEARNER] == "yes"


def test_a_prefix_may_begin_as_the_default_does(tmp_path):
    log = tmp_path / "log"
    name = "arn:aws:ecr:eu-west-3:210987654321:repository/demo-tom-app-repo"
    log.write_text(json.dumps({"principal": LEARNER, "resource": name}) + "\n")
    assert rehearse.with_default_prefix(log, "demo-tom-") == []


@pytest.mark.skipif(
    bool(WHY_NOT or LACKING or not base_image_layout().is_dir()),
    reason=f"no private machine with these clients here: {WHY_NOT or LACKING or 'the base image is missing'}",
)
def test_clients_use_the_sandbox_by_awss_names_and_this_machine_does_not_change(tmp_path):
    before = rehearse.state_of_machine()
    folders = [str(clients.CLIENTS / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]]
    first = [sys.executable, "-c", FIRST, *rehearse.on_a_private_machine(["bash", "-c", CLIENTS])]
    program = f"from machine import private_machine; import sys; sys.exit(private_machine.start({first!r}))"
    got = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PATH": os.pathsep.join(folders), "LESSON": credential_helper()},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert got.returncode == 0, got.stderr
    assert got.stdout.splitlines() == [
        f"uri {REGISTRY}/app",
        "pulled",
        f"skopeo {REGISTRY}/app",
        f"layers https://prod-{rehearse.REGION}-starport-layer-bucket.s3.{rehearse.REGION}.amazonaws.com",
        "got it",
        f"boto3 arn:aws:iam::{rehearse.ACCOUNT}:user/{learner.USER}",
        "public token",
        "credential helper",
        "untrusted",
    ]
    assert rehearse.state_of_machine() == before
