"""Real clients use the sandbox by AWS's names, on a private machine, and this machine does not change."""

import os
import subprocess
import sys

import pytest

from machine import clients, learner, private_machine, rehearse
from machine.project import ROOT, base_image_layout
from tests.machine.test_private_machine import WHY_NOT

LACKING = [program for program in ("crane", "skopeo", "ip") if not clients.find(program)]
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
! SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/nonexistent crane digest "$uri:v1" 2> untrusted
grep --quiet 'certificate signed by unknown authority' untrusted; echo untrusted
"""


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


def test_a_changed_machine_is_found(monkeypatch, capfd):
    states = iter([{"/etc/hosts": "a", "firewall": "x"}, {"/etc/hosts": "b", "firewall": "x"}])
    monkeypatch.setattr(private_machine, "check", lambda: None)
    monkeypatch.setattr(rehearse, "state_of_machine", lambda: next(states))
    monkeypatch.setattr(rehearse.newer_engine, "missing", lambda: "")
    monkeypatch.setattr(rehearse.newer_engine, "main", lambda command: 0)
    assert rehearse.main([]) == 1
    assert capfd.readouterr().err == "The rehearsal changed this machine: /etc/hosts.\n"


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
        env=os.environ | {"PATH": os.pathsep.join(folders)},
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
        "untrusted",
    ]
    assert rehearse.state_of_machine() == before
