"""The console of a sandbox with AWS's host names: at the sandbox's own address, with AWS's names on its pages."""

import html
import os
import re

import pytest

from tests.sandbox.api import manifest, put, upload
from tests.sandbox.conftest import Sandbox
from tests.sandbox.console.pages import Console, text
from tests.sandbox.http.test_aws_names import ACCOUNT, REGION, REGISTRY, Served

OTHER = "111122223333"


class Named(Sandbox):
    """The sandbox of *served*, for the tests' clients, which use its own address."""

    def __init__(self, served: Served, folder):
        super().__init__(folder)
        self.served, self.state, self.port = served, served.state, served.status["port"]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A sandbox with AWS's names, account ACCOUNT and Region REGION."""
    folder = tmp_path_factory.mktemp("console-names")
    served = Served(folder / "state")
    yield Named(served, folder)
    served.stop()


@pytest.fixture
def console(named) -> Console:
    """A session at the address that the status says."""
    return Console(named)


@pytest.fixture
def repository(named) -> str:
    """A new repository."""
    name = f"app-{os.urandom(4).hex()}"
    named.client(region=REGION).create_repository(repositoryName=name)
    return name


def copied(page: str) -> list[str]:
    """What the copy buttons of *page* copy."""
    return [html.unescape(each) for each in re.findall(r'data-copy="([^"]*)"', page)]


def test_the_list_copies_awss_addresses(console, repository):
    page = console.get("/ecr/private-registry/repositories")
    assert f"{REGISTRY}/{repository}" in copied(page)
    assert f"administrator @ {ACCOUNT}" in text(page) and REGION in text(page)


def test_the_push_commands_name_awss_registry(console, repository):
    page = console.get("/ecr/push-commands", repository=repository)
    login, build, tag, push = copied(page)[:4]
    assert login.startswith(f"aws ecr get-login-password --region {REGION} | docker login")
    assert login.endswith(f"--password-stdin {REGISTRY}")
    assert (build, push) == (f"docker build -t {repository} .", f"docker push {REGISTRY}/{repository}:latest")
    assert tag == f"docker tag {repository}:latest {REGISTRY}/{repository}:latest"


def test_other_accounts_and_regions_have_their_names(console):
    for account, region in ((ACCOUNT, "us-east-1"), (OTHER, REGION), (OTHER, "eu-central-1")):
        console.switch(f"arn:aws:iam::{account}:user/administrator", region)
        console.post("/ecr/create-repository", name="shown")
        host = f"{account}.dkr.ecr.{region}.amazonaws.com"
        assert f"{host}/shown" in copied(console.get("/ecr/private-registry/repositories"))
        assert f"{host}/" in text(console.get("/ecr/create-repository"))
        assert f"{region}:{account}:repository/" in text(console.get("/iam/policies"))


def test_an_image_with_its_config(console, named, repository):
    """The config comes from the layers' address, which is the sandbox's own for the console."""
    ecr, config = named.client(region=REGION), b'{"config": {"Labels": {"team": "blue"}}}'
    upload(ecr, repository, config)
    image = put(ecr, repository, manifest(config), "v1")
    page = console.get(f"/ecr/repositories/private/{repository}/_/image/{image}")
    assert {f"{REGISTRY}/{repository}:v1", f"{REGISTRY}/{repository}@{image}"} <= {*copied(page)}
    assert '"team": "blue"' in text(console.get(f"/ecr/repositories/private/{repository}/_/image/{image}/manifest"))


def test_a_public_repository(console):
    page = console.post("/ecr/public-registry/repositories", name="shown")
    assert any(re.fullmatch("public.ecr.aws/[a-z0-9]+/shown", each) for each in copied(page))


def test_a_name_of_aws_is_no_console(named):
    for host in (REGISTRY, f"api.ecr.{REGION}.amazonaws.com", "sts.amazonaws.com"):
        assert named.served.ask(host, "/console/")[0] in (400, 401, 403)


def test_behind_a_proxy_with_a_base_path(named):
    page = Console(named, X_Forwarded_Prefix="/user/ann/proxy/5050").get("/ecr/private-registry/repositories")
    assert 'href="/user/ann/proxy/5050/console/iam/users"' in page
