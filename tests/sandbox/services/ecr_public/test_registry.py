"""ECR Public's registry, as docker and plain HTTP see it."""

import base64
import hashlib
import json
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import pytest

from ecr_sandbox.auth.token import Caller, Tokens
from ecr_sandbox.services.ecr_public.auth import passwords
from ecr_sandbox.services.ecr_public.limits import SCHEMA, Limits, Quota
from ecr_sandbox.services.ecr_public.repositories import alias_of
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.conftest import Sandbox, layer

ALIAS = alias_of(settings.ACCOUNT)
OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)
PLENTY = Quota(anonymous=1000, signed_in=1000)
PUSH = ("BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")
LOGIN = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")


@pytest.fixture(autouse=True)
def patience(sandbox: Sandbox) -> None:
    """Raise the limit: tests pull faster than anonymous clients are allowed to."""
    with quota(sandbox, PLENTY, afterwards=PLENTY):
        pass


@pytest.fixture
def front(sandbox: Sandbox) -> Sandbox:
    return front_of(sandbox)


@pytest.fixture
def uri(sandbox: Sandbox) -> str:
    """The URI of a new, empty public repository."""
    return new_repository(sandbox)


@pytest.fixture
def pushed(sandbox: Sandbox, uri: str, make_image: Callable[..., str]) -> Iterator[str]:
    """A public repository with an image that is no longer on this machine."""
    login(sandbox)
    image = make_image(f"{uri}:1")
    sandbox.run(f"docker push {image} && docker rmi {image}")
    sandbox.run(f"docker logout {front_of(sandbox).registry}")
    yield image
    sandbox.run(f"docker rmi -f {image}; true")


def front_of(sandbox: Sandbox) -> Sandbox:
    """*sandbox* with the port of ECR Public; for ``http`` and ``registry`` only."""
    front = copy(sandbox)
    front.port = int(json.loads(sandbox.http("GET", "/_sandbox")[2])["public"].rpartition(":")[2])
    return front


def new_repository(sandbox: Sandbox) -> str:
    name = f"test/{uuid.uuid4().hex[:8]}"
    made = sandbox.client("ecr-public").create_repository(repositoryName=name)
    return made["repository"]["repositoryUri"]


def login(sandbox: Sandbox, key: tuple[str, str] | None = None) -> str:
    """Log in, with *key* or as the administrator."""
    keys = f"AWS_ACCESS_KEY_ID={key[0]} AWS_SECRET_ACCESS_KEY={key[1]} " if key else ""
    host = front_of(sandbox).registry
    return sandbox.run(f"{keys}aws ecr-public get-login-password | docker login -u AWS --password-stdin {host}")


def token(front: Sandbox, **headers: str) -> str:
    """A token from the token server."""
    status, _, body = front.http("GET", "/token/?service=public.ecr.aws&scope=aws", **headers)
    assert status == 200, body
    return f"Bearer {json.loads(body)['token']}"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()


def old_password(sandbox: Sandbox) -> str:
    """An expired password."""
    made_by = passwords(Tokens(sandbox.state / "secret"))
    caller = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    return made_by.mint(caller, int(time.time()) - 13 * 60 * 60)[0]


@contextmanager
def quota(sandbox: Sandbox, quota: Quota, afterwards: Quota = PLENTY) -> Iterator[None]:
    """Set other limits than AWS's, and *afterwards* at the end."""
    store = Store(sandbox.state / "state.db")
    store.add(SCHEMA)
    Limits(store).set(quota)
    try:
        yield
    finally:
        Limits(store).set(afterwards)
        store.close()


def error_of(body: bytes) -> tuple[str, str]:
    """Code and message of an error."""
    [error] = json.loads(body)["errors"]
    return error["code"], error["message"]


# --- authentication----------------------------------------------------------------------------------------------------


def test_a_request_without_a_token_gets_a_challenge(front: Sandbox) -> None:
    status, headers, body = front.http("GET", "/v2/")
    assert (status, *error_of(body)) == (401, "DENIED", "Not Authorized")
    assert headers["www-authenticate"] == (
        f'Bearer realm="http://{front.registry}/token/",service="public.ecr.aws",scope="aws"'
    )
    assert headers["docker-distribution-api-version"] == "registry/2.0"


def test_anyone_gets_a_token(front: Sandbox) -> None:
    assert front.http("GET", "/v2/", Authorization=token(front))[0] == 200


@pytest.mark.parametrize("bad", ["Bearer abc", "Bearer eyJhbGciOi.J9.x"])
def test_a_bad_token_is_refused_without_a_challenge(front: Sandbox, bad: str) -> None:
    status, headers, body = front.http("GET", "/v2/", Authorization=bad)
    assert (status, *error_of(body)) == (400, "DENIED", "Your Authorization Token is invalid.")
    assert "www-authenticate" not in headers


def test_a_password_is_not_a_token(sandbox: Sandbox, front: Sandbox) -> None:
    password = sandbox.run("aws ecr-public get-login-password").strip()
    assert front.http("GET", "/v2/", Authorization=basic(password))[0] == 401


def test_only_the_user_aws_signs_in(sandbox: Sandbox, front: Sandbox) -> None:
    line = sandbox.refused(f"echo {settings.SECRET_KEY} | docker login -u joe --password-stdin {front.registry}")
    assert "denied: Not Authorized" in line


def test_the_two_registries_refuse_each_others_passwords(sandbox: Sandbox, front: Sandbox) -> None:
    private_here = sandbox.refused(
        f"aws ecr get-login-password | docker login -u AWS --password-stdin {front.registry}"
    )
    assert f"login attempt to http://{front.registry}/v2/ failed with status: 400 Bad Request" in private_here
    public_there = sandbox.run("aws ecr-public get-login-password").strip()
    status, _, body = sandbox.http("GET", "/v2/", Authorization=basic(public_there))
    assert (status, *error_of(body)) == (400, "DENIED", "Your Authorization Token is invalid.")


def test_an_expired_login_fails_even_a_pull_that_needs_none(sandbox: Sandbox, front: Sandbox, pushed: str) -> None:
    config = sandbox.docker_config / "config.json"
    kept = config.read_text()
    stale = basic(old_password(sandbox)).removeprefix("Basic ")
    config.write_text(json.dumps({"auths": {front.registry: {"auth": stale}}}))
    try:
        line = sandbox.refused(f"docker pull {pushed}")
        assert (
            f"pull access denied for {pushed.rpartition(':')[0]}, repository does not exist or may require "
            "'docker login': denied: Your authorization token has expired. Reauthenticate and try again." in line
        )
        sandbox.run(f"docker logout {front.registry} && docker pull {pushed}")
    finally:
        config.write_text(kept)


def test_a_token_is_invalid_once_its_key_is_deleted(sandbox: Sandbox, front: Sandbox) -> None:
    user, key = sandbox.make_user(allow(*LOGIN, on="*"))
    data = sandbox.client("ecr-public", key=key).get_authorization_token()["authorizationData"]
    mine = token(front, Authorization=f"Basic {data['authorizationToken']}")
    assert front.http("GET", "/v2/", Authorization=mine)[0] == 200
    sandbox.client("iam").delete_access_key(UserName=user, AccessKeyId=key[0])
    status, _, body = front.http("GET", "/v2/", Authorization=mine)
    assert (status, *error_of(body)) == (403, "DENIED", "The security token included in the request is invalid.")


# --- push and pull ----------------------------------------------------------------------------------------------------


def test_the_owner_pushes_and_anyone_pulls(sandbox: Sandbox, front: Sandbox, pushed: str) -> None:
    assert "Status: Downloaded newer image" in sandbox.run(f"docker pull {pushed}")
    name = pushed.rpartition(":")[0].partition(f"{ALIAS}/")[2]
    [image] = sandbox.client("ecr-public").describe_images(repositoryName=name)["imageDetails"]
    assert image["imageTags"] == ["1"]
    digest = sandbox.run(f"docker inspect --format '{{{{index .RepoDigests 0}}}}' {pushed}").strip()
    assert digest.endswith(image["imageDigest"])
    _, _, body = front.http("GET", f"/v2/{ALIAS}/{name}/tags/list", Authorization=token(front))
    assert json.loads(body) == {"name": f"{ALIAS}/{name}", "tags": ["1"]}


def test_an_account_number_is_not_an_alias(front: Sandbox) -> None:
    """https://github.com/CircleCI-Public/aws-ecr-orb/issues/227"""
    status, _, body = front.http("GET", "/v2/123456789012/app/manifests/v1", Authorization=token(front))
    assert (status, *error_of(body)) == (
        405,
        "UNSUPPORTED",
        "Invalid parameter at 'registryAliasName' failed to satisfy constraint: "
        "'Member must satisfy regular expression pattern: [a-z][a-z0-9]+(?:[._-][a-z0-9]+)*'",
    )


def test_only_head_has_the_digest_of_a_manifest(front: Sandbox, pushed: str) -> None:
    """GET: https://github.com/oras-project/oras-java/issues/522 (2026). HEAD:
    https://github.com/estesp/manifest-tool/issues/124"""
    name = pushed.rpartition(":")[0].partition("/")[2]
    head, get = (front.http(way, f"/v2/{name}/manifests/1", Authorization=token(front)) for way in ("HEAD", "GET"))
    assert head[1]["docker-content-digest"].startswith("sha256:")
    assert "docker-content-digest" not in get[1]
    assert head[1]["content-length"] == str(len(get[2]))


def test_there_is_no_list_of_all_repositories(front: Sandbox) -> None:
    status, _, body = front.http("GET", "/v2/_catalog", Authorization=token(front))
    assert (status, error_of(body)[0]) == (404, "UNSUPPORTED")


def test_anonymous_clients_cannot_push(sandbox: Sandbox, uri: str, make_image: Callable[..., str]) -> None:
    assert "denied: Not Authorized" in sandbox.refused(f"docker push {make_image(f'{uri}:1')}")


def test_a_push_does_not_create_a_repository(sandbox: Sandbox, front: Sandbox, make_image: Callable[..., str]) -> None:
    login(sandbox)
    line = sandbox.refused(f"docker push {make_image(f'{front.registry}/{ALIAS}/nowhere:1')}")
    assert f"name unknown: The repository with name 'nowhere' does not exist in the registry with id '{ALIAS}'" in line


@pytest.mark.parametrize("alias", [ALIAS, "z9z9z9z9"])
def test_a_missing_repository_is_not_found(sandbox: Sandbox, front: Sandbox, alias: str) -> None:
    name = f"{front.registry}/{alias}/nowhere"
    assert (
        sandbox.refused(f"docker pull {name}:1")
        .strip()
        .endswith(
            f"repository {name} not found: name unknown: "
            f"The repository with name 'nowhere' does not exist in the registry with id '{alias}'"
        )
    )


def test_a_missing_tag_is_not_found(sandbox: Sandbox, pushed: str) -> None:
    line = sandbox.refused(f"docker pull {pushed}2")
    assert f"manifest for {pushed}2 not found: manifest unknown: Requested image not found" in line


def test_anonymous_clients_can_get_a_layer_but_not_head_it(sandbox: Sandbox, front: Sandbox, pushed: str) -> None:
    """As on AWS: https://github.com/aws/containers-roadmap/issues/2671."""
    repository, _, tag = pushed.partition("/")[2].rpartition(":")
    anonymous = token(front)
    _, _, manifest = front.http("GET", f"/v2/{repository}/manifests/{tag}", Authorization=anonymous)
    blob = f"/v2/{repository}/blobs/{json.loads(manifest)['layers'][0]['digest']}"
    assert front.http("GET", blob, Authorization=anonymous)[0] == 200
    assert front.http("HEAD", blob, Authorization=anonymous)[0] == 401
    password = sandbox.run("aws ecr-public get-login-password").strip()
    assert front.http("HEAD", blob, Authorization=token(front, Authorization=basic(password)))[0] == 200


def test_an_image_survives_a_kill(own_sandbox: Sandbox, make_image: Callable[..., str]) -> None:
    own_sandbox.start()
    image = make_image(f"{new_repository(own_sandbox)}:1")
    login(own_sandbox)
    own_sandbox.run(f"docker push {image}")
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.run(f"docker rmi {image}")
    own_sandbox.start()
    own_sandbox.run(f"docker logout {front_of(own_sandbox).registry} && docker pull {image} && docker rmi {image}")


# --- permissions ------------------------------------------------------------------------------------------------------


def allow(*actions: str, on: str) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": on}]}


def arn_of(uri: str) -> str:
    return f"arn:aws:ecr-public::{settings.ACCOUNT}:repository/{uri.partition(f'{ALIAS}/')[2]}"


def test_a_user_pushes_with_these_permissions(sandbox: Sandbox, uri: str, make_image: Callable[..., str]) -> None:
    policy = allow(*(f"ecr-public:{action}" for action in PUSH), on=arn_of(uri))
    policy["Statement"] += allow(*LOGIN, on="*")["Statement"]
    _, key = sandbox.make_user(policy)
    login(sandbox, key)
    assert "digest: sha256:" in sandbox.run(f"docker push {make_image(f'{uri}:1')}")


def test_a_push_is_refused_with_iams_sentence(sandbox: Sandbox, uri: str, make_image: Callable[..., str]) -> None:
    user, key = sandbox.make_user(allow(*LOGIN, on="*"))
    login(sandbox, key)
    line = sandbox.refused(f"docker push {make_image(f'{uri}:1')}")
    assert (
        f"denied: User: arn:aws:iam::{settings.ACCOUNT}:user/{user} is not authorized to perform: "
        f"ecr-public:InitiateLayerUpload on resource: {arn_of(uri)} because no identity-based policy allows the "
        "ecr-public:InitiateLayerUpload action" in line
    )


def test_another_account_pushes_if_the_repository_policy_allows_it(
    sandbox: Sandbox, uri: str, make_image: Callable[..., str]
) -> None:
    image = make_image(f"{uri}:1")
    login(sandbox, OTHER)
    line = sandbox.refused(f"docker push {image}")
    assert "because no resource-based policy allows the ecr-public:InitiateLayerUpload action" in line
    principal = {"AWS": f"arn:aws:iam::{settings.OTHER_ACCOUNT}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": [f"ecr-public:{action}" for action in PUSH]}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    name = uri.partition(f"{ALIAS}/")[2]
    sandbox.client("ecr-public").set_repository_policy(repositoryName=name, policyText=text)
    sandbox.run(f"docker push {image}")


# --- quotas -----------------------------------------------------------------------------------------------------------


def test_a_single_pull_is_never_refused(sandbox: Sandbox, pushed: str) -> None:
    with quota(sandbox, Quota(anonymous=0.001)):
        assert "Status: Downloaded newer image" in sandbox.run(f"docker pull {pushed}")
        assert "toomanyrequests: Rate exceeded" in sandbox.refused(f"docker pull {pushed}")


def test_signed_in_clients_pull_more(sandbox: Sandbox, front: Sandbox, pushed: str) -> None:
    path = f"/v2/{'/manifests/'.join(pushed.partition('/')[2].rsplit(':', 1))}"
    password = sandbox.run("aws ecr-public get-login-password").strip()
    mine = token(front, Authorization=basic(password))
    with quota(sandbox, Quota(signed_in=10, anonymous=0.001)):
        answers = [front.http("GET", path, Authorization=mine) for _ in range(40)]
    assert [status for status, _, _ in answers[:10]] == [200] * 10
    assert (429, "TOOMANYREQUESTS", "Rate exceeded") in {
        (status, *error_of(body)) for status, _, body in answers if status != 200
    }


def test_anonymous_clients_have_a_monthly_quota_of_bytes(sandbox: Sandbox, front: Sandbox, pushed: str) -> None:
    with quota(sandbox, Quota(anonymous=1000, bytes_a_month=1)):
        line = sandbox.refused(f"docker pull {pushed}")
        assert "toomanyrequests: Data limit exceeded" in line
        login(sandbox)
        sandbox.run(f"docker pull {pushed} && docker logout {front.registry}")


# --- the mirror of Docker's official images ---------------------------------------------------------------------------


class Mirrored(Sandbox):
    """A sandbox with a base image to mirror."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "ECR_SANDBOX_BASE_IMAGE": str(self.state.parent / "layout")}


def write_layout(folder: Path) -> None:
    """An OCI layout of one small image."""
    (folder / "blobs" / "sha256").mkdir(parents=True)

    def put(content: bytes, kind: str) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    files = layer(b"the official image")
    diff = f"sha256:{hashlib.sha256(files).hexdigest()}"
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put(json.dumps(config).encode(), "config.v1+json"),
        "layers": [put(files, "layer.v1.tar")],
    }
    listed = put(json.dumps(manifest).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [listed]}))


def test_official_images_can_be_pulled_and_not_pushed(tmp_path: Path, make_image: Callable[..., str]) -> None:
    write_layout(tmp_path / "layout")
    sandbox = Mirrored(tmp_path).start()
    try:
        host = front_of(sandbox).registry
        image = f"{host}/{settings.MIRROR_REPOSITORY}:{settings.MIRROR_TAG}"
        sandbox.run(f"docker pull {image} && docker rmi {image}")
        login(sandbox)
        line = sandbox.refused(f"docker push {make_image(f'{host}/{settings.MIRROR_REPOSITORY}:mine')}")
        assert "because no resource-based policy allows the ecr-public:InitiateLayerUpload action" in line
    finally:
        assert sandbox.stop() == 0
