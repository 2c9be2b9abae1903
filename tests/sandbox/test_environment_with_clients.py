"""In the isolated environment real aws, boto3 and docker neither read nor change the user's ~/.aws and ~/.docker.

The kernel reports (inotify) whenever any process opens, reads or changes a file there.
"""

import ctypes
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_sandbox import settings

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")

ACCESS, MODIFY, ATTRIB, OPEN = 0x1, 0x2, 0x4, 0x20
MOVED, CREATED, DELETED = 0xC0, 0x100, 0x200
IS_FOLDER = 0x40000000

# Plain boto3, aws and docker, without the sandbox's address.
PROGRAM = """
import base64, subprocess
from ecr_sandbox import background, docker_engine, docker_forwarder, environment, settings
sandbox = settings.from_environ()
status = background.start(sandbox)
environment.apply(*environment.isolated_environment(status))
docker_forwarder.make_reachable(docker_engine.client(), sandbox, status["ports"])
import boto3, docker
print(boto3.client("sts").get_caller_identity()["Arn"])
boto3.client("ecr").create_repository(repositoryName="demo-app-repo")
print(boto3.Session().get_credentials().access_key, boto3.Session().available_profiles)
[token] = boto3.client("ecr").get_authorization_token()["authorizationData"]
password = base64.b64decode(token["authorizationToken"]).decode().partition(":")[2]
docker.from_env().login("AWS", password, registry=token["proxyEndpoint"].removeprefix("http://"))
typed = '''set -e
aws sts get-caller-identity --query Account
aws ecr describe-repositories --repository-names demo-app-repo --query 'repositories[0].repositoryName'
aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" 2>/dev/null
docker images --quiet >/dev/null
docker logout "$REGISTRY" >/dev/null
'''
ran = subprocess.run(["sh", "-c", typed], capture_output=True, text=True)
print(ran.stdout + ran.stderr)
"""

TYPED = """
eval "$(ecr-sandbox env)"
aws ecr describe-repositories --output text >/dev/null
aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" 2>/dev/null
"""


class Watch:
    """Every access of any process to the files in some folders."""

    def __init__(self, *folders: Path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.handle = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {}
        mask = ACCESS | MODIFY | ATTRIB | OPEN | MOVED | CREATED | DELETED
        for top in folders:
            for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
                number = self.libc.inotify_add_watch(self.handle, bytes(folder), mask)
                assert number > 0, os.strerror(ctypes.get_errno())
                self.names[number] = folder

    def seen(self) -> set[str]:
        """The paths that were accessed since the last call, including folders that were listed."""
        found = set()
        try:
            data = os.read(self.handle, 1 << 20)
        except BlockingIOError:
            return found
        while data:
            number, _, _, length = struct.unpack_from("iIII", data)
            name = data[16 : 16 + length].rstrip(b"\0").decode()
            found.add(str(self.names[number] / name))
            data = data[16 + length :]
        return found


@pytest.fixture
def home(tmp_path, own_settings, monkeypatch):
    """A home in which every file names another endpoint or account, or writes a mark when it is used."""
    for name, value in own_settings.environ().items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    mark = f"touch {home}/marked"
    files = {
        ".aws/config": f"[default]\nregion = eu-west-9\nendpoint_url = http://127.0.0.1:9\n"
        f"credential_process = {mark}\n[profile mine]\ncredential_process = {mark}\n",
        ".aws/credentials": "[default]\naws_access_key_id = stolen\naws_secret_access_key = stolen\n",
        ".aws/cli/alias": f"[toplevel]\necr = !{mark} #\nsts = !{mark} #\n",
        ".aws/models/ecr/2015-09-21/service-2.json": "{}",
        ".aws/models/endpoints.json": "{}",
        ".boto": "[Credentials]\naws_access_key_id = stolen\naws_secret_access_key = stolen\n",
        ".docker/config.json": json.dumps(
            {
                "auths": {"localhost:5050": {"auth": "c3RvbGVuOnN0b2xlbg=="}},
                "credsStore": "mark",
                "credHelpers": {f"localhost:{own_settings.port}": "mark"},
                "HttpHeaders": {"X-Poison": "1"},
                "proxies": {"default": {"httpProxy": "http://127.0.0.1:9"}},
            }
        ),
        ".dockercfg": "{}",
        "bin/docker-credential-mark": f"#!/bin/sh\n{mark}\n",
        "bin/ecr-sandbox": f"#!/bin/sh\nexec '{sys.executable}' -m ecr_sandbox \"$@\"\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    yield home


def poisoned(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "AWS_PROFILE": "mine",
        "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_SESSION_TOKEN": "stolen",
        "AWS_DATA_PATH": str(home / ".aws" / "models"),
        "DOCKER_AUTH_CONFIG": '{"auths": {"x": {"auth": "c3RvbGVuOnN0b2xlbg=="}}}',
        "DOCKER_CONTENT_TRUST": "1",
    }


def fingerprint(home: Path) -> str:
    """Names, sizes, times and contents of all files in the home."""
    facts = [
        (
            str(path),
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(home.rglob("*"))
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def run(command, home):
    ran = subprocess.run(command, env=poisoned(home), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_program(home):
    before, watch = fingerprint(home), Watch(home / ".aws", home / ".docker")
    out = run([sys.executable, "-c", PROGRAM], home).splitlines()
    assert watch.seen() == set()
    assert fingerprint(home) == before
    assert out == [
        f"arn:aws:iam::{settings.ACCOUNT}:user/administrator",
        f"{settings.ACCESS_KEY} ['default', '{settings.OTHER_PROFILE}']",
        f'"{settings.ACCOUNT}"',
        '"demo-app-repo"',
        "Login Succeeded",
        "",
    ]


def test_a_terminal_after_eval_reads_nothing_of_the_home(home):
    run(["ecr-sandbox", "up"], home)
    before, watch = fingerprint(home), Watch(home / ".aws", home / ".docker")
    assert "Login Succeeded" in run(["sh", "-c", TYPED], home)
    assert watch.seen() == set()
    assert fingerprint(home) == before


def test_only_the_current_context_of_the_user_is_read(home):
    """docker reads the user's file once, before the environment is set, to find the engine of the user's context."""
    config = json.loads((home / ".docker" / "config.json").read_text())
    (home / ".docker" / "config.json").write_text(json.dumps(config | {"currentContext": "mine"}))
    meta = home / ".docker" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    here = {"docker": {"Host": "unix:///var/run/docker.sock", "SkipTLSVerify": False}}
    meta.write_text(json.dumps({"Name": "mine", "Metadata": {}, "Endpoints": here}))
    run(["ecr-sandbox", "up"], home)
    before, watch = fingerprint(home), Watch(home / ".aws", home / ".docker")
    assert "export DOCKER_HOST=unix:///var/run/docker.sock;" in run(["ecr-sandbox", "env"], home)
    files = {Path(name).name for name in watch.seen() if Path(name).is_file()}
    assert files == {"config.json", "meta.json"}
    assert fingerprint(home) == before


@pytest.mark.parametrize(
    ("command", "opened"),
    [
        (["aws", "sts", "get-caller-identity"], ".aws/cli/alias"),
        (["docker", "info"], ".docker/config.json"),
        ([sys.executable, "-c", "import boto3; boto3.client('sts')"], ".aws/config"),
    ],
)
def test_without_the_environment_the_same_programs_read_the_home(home, command, opened):
    """This proves that the watch detects such an access."""
    watch = Watch(home / ".aws", home / ".docker")
    subprocess.run(command, env={**os.environ, "HOME": str(home), "PATH": _with_aws()}, capture_output=True)
    assert str(home / opened) in watch.seen()


def _with_aws() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"
