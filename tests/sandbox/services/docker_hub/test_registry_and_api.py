"""The Docker Hub stand-in over plain HTTP: tokens, accounts, repositories, the web API, the pull limit."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from ecr_sandbox.http.middleware import application
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.services import docker_hub
from ecr_sandbox.services.docker_hub import accounts
from ecr_sandbox.services.docker_hub.limits import PullLimit
from ecr_sandbox.state.store import Store
from helpers import settings

PASSWORD = "correct horse"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
HOST = "localhost:5051"
ME = "127.0.0.1"


@dataclass
class Hub:
    """The stand-in in this process, with the requests of a client."""

    state: Path
    store: Store = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self):
        self.store = Store(self.state / "state.db")
        blobs = ContentStore(self.state, self.store)
        self.client = Client(application(docker_hub.install(self.store, blobs, self.state / "hub-secret")))

    def request(self, method: str, path: str, token: str | None = None, **more: Any) -> TestResponse:
        headers = {"Host": HOST, **more.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        address = {"REMOTE_ADDR": more.pop("address", ME)}
        return self.client.open(path, method=method, headers=headers, environ_overrides=address, **more)

    def sign_up(self, **more: Any) -> str:
        """A new account's name; its password is PASSWORD."""
        name = f"user{uuid.uuid4().hex[:8]}"
        answer = self.api("POST", "/sandbox/accounts", json={"username": name, "password": PASSWORD, **more})
        assert answer.status_code == 201, answer.text
        return name

    def api(self, method: str, path: str, user: str | None = None, secret: str = PASSWORD, **more: Any) -> TestResponse:
        """A call of the web API, as *user* when given."""
        token = None
        if user:
            body = {"identifier": user, "secret": secret}
            token = self.request("POST", "/hub.docker.com/v2/auth/token", json=body).json["access_token"]
        return self.request(method, f"/hub.docker.com/v2{path}", token, **more)

    def ask_token(self, scope: str = "", user: str | None = None, secret: str = PASSWORD) -> TestResponse:
        credentials = base64.b64encode(f"{user}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"} if user else {}
        query = {"service": "registry.docker.io", "scope": scope}
        return self.request("GET", "/token", query_string=query, headers=headers)

    def token(self, repository: str, actions: str = "pull", user: str | None = None, secret: str = PASSWORD) -> str:
        return self.ask_token(f"repository:{repository}:{actions}", user, secret).json["token"]

    def push(self, repository: str, user: str, tag: str = "1", secret: str = PASSWORD) -> TestResponse:
        """Push a new small image and return the response to its manifest."""
        return self.push_with(self.token(repository, "pull,push", user, secret), repository, tag)

    def push_with(self, token: str, repository: str, tag: str = "1") -> TestResponse:
        config = json.dumps({"made for": f"{repository}:{tag}"}).encode()
        digest = digest_of(config)
        answer = self.request("POST", f"/v2/{repository}/blobs/uploads/", token)
        if answer.status_code != 202:
            return answer
        self.request("PUT", f"{answer.headers['Location']}?digest={digest}", token, data=config)
        return self.put(repository, token, tag, manifest(digest, len(config)), MANIFEST)

    def put(self, repository: str, token: str, tag: str, content: bytes, media_type: str) -> TestResponse:
        path = f"/v2/{repository}/manifests/{tag}"
        return self.request("PUT", path, token, data=content, content_type=media_type)

    def pull(self, repository: str, user: str | None = None, tag: str = "1", **more: Any) -> TestResponse:
        """GET of a manifest with a fresh token."""
        token = self.token(repository, "pull", user, more.pop("secret", PASSWORD))
        return self.request(more.pop("method", "GET"), f"/v2/{repository}/manifests/{tag}", token, **more)

    def repository(self, full_name: str, user: str | None = None) -> dict[str, Any]:
        namespace, _, name = full_name.partition("/")
        return self.api("GET", f"/namespaces/{namespace}/repositories/{name}", user).json

    def access_token(self, user: str, scope: str, **more: Any) -> dict[str, Any]:
        body = {"token_label": "for a test", "scopes": [scope], **more}
        return self.api("POST", "/access-tokens", user, json=body).json


def manifest(config: str, size: int) -> bytes:
    content = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": size}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": content, "layers": []}).encode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(scope="module")
def the_hub(tmp_path_factory):
    the_hub = Hub(tmp_path_factory.mktemp("hub"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "HASH", "pbkdf2:sha256:1")  # real passwords have a slow hash
        yield the_hub
    the_hub.store.close()


@pytest.fixture
def limit(the_hub):
    """Sets the pull limit for one test."""

    def set_limit(**limit: int) -> None:
        assert the_hub.api("PUT", "/sandbox/pull-limit", json=limit).status_code == 200

    yield set_limit
    the_hub.api("PUT", "/sandbox/pull-limit", json={})


@pytest.fixture
def alice(the_hub):
    return the_hub.sign_up()


@pytest.fixture
def bob(the_hub):
    return the_hub.sign_up()


# --- the challenge and the token --------------------------------------------------------------------------------------


def test_a_request_without_a_token_gets_a_challenge(the_hub):
    answer = the_hub.request("GET", "/v2/")
    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"] == (f'Bearer realm="http://{HOST}/token",service="registry.docker.io"')
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.json == {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]}


@pytest.mark.parametrize(
    ("method", "path", "actions"),
    [
        ("GET", "/v2/library/python/manifests/latest", ["pull"]),
        ("HEAD", "/v2/library/python/manifests/latest", ["pull"]),
        ("GET", "/v2/library/python/tags/list", ["pull"]),
        ("POST", "/v2/library/python/blobs/uploads/", ["pull", "push"]),
        ("PUT", "/v2/library/python/manifests/latest", ["pull", "push"]),
        ("DELETE", "/v2/library/python/manifests/latest", ["delete"]),
    ],
)
def test_the_challenge_names_the_scope(the_hub, method, path, actions):
    answer = the_hub.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"] == (
        f'Bearer realm="http://{HOST}/token",service="registry.docker.io",'
        f'scope="repository:library/python:{",".join(actions)}"'
    )
    if method != "HEAD":
        detail = [{"Type": "repository", "Class": "", "Name": "library/python", "Action": action} for action in actions]
        assert answer.json["errors"][0] == {
            "code": "UNAUTHORIZED",
            "message": "authentication required",
            "detail": detail,
        }


def test_the_catalog_needs_a_scope_that_no_token_has(the_hub):
    """https://github.com/docker/hub-feedback/issues/2094; body: https://github.com/genuinetools/reg/issues/86"""
    scope = 'service="registry.docker.io",scope="registry:catalog:*"'
    anonymous = the_hub.request("GET", "/v2/_catalog")
    assert anonymous.status_code == 401
    assert anonymous.headers["Www-Authenticate"].endswith(scope)
    assert anonymous.json["errors"][0]["detail"] == [
        {"Type": "registry", "Class": "", "Name": "catalog", "Action": "*"}
    ]
    token = the_hub.ask_token("registry:catalog:*").json["token"]
    refused = the_hub.request("GET", "/v2/_catalog", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 401
    assert refused.headers["Www-Authenticate"].endswith(scope + ',error="insufficient_scope"')


def test_the_token_answer_has_the_fields_that_clients_read(the_hub):
    answer = the_hub.ask_token().json
    assert answer["token"] == answer["access_token"]
    assert answer["expires_in"] == 300
    assert answer["issued_at"].endswith("Z")
    assert the_hub.request("GET", "/v2/", answer["token"]).status_code == 200


@pytest.mark.parametrize(("name", "secret"), [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(the_hub, alice, name, secret):
    answer = the_hub.ask_token(user=alice if name == "alice" else name, secret=secret)
    assert answer.status_code == 401
    assert answer.json == {"details": "incorrect username or password"}


def test_a_token_expires_after_five_minutes(the_hub, alice, monkeypatch):
    token, start = the_hub.token("a/b", user=alice), time.time()
    monkeypatch.setattr(time, "time", lambda: start + 299)
    assert the_hub.request("GET", "/v2/", token).status_code == 200
    monkeypatch.setattr(time, "time", lambda: start + 302)
    answer = the_hub.request("GET", "/v2/", token)
    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"].endswith(',error="invalid_token"')


def test_tokens_signed_with_another_secret_are_refused(the_hub, alice, tmp_path):
    elsewhere = Hub(tmp_path)
    api_token = the_hub.api("POST", "/auth/token", json={"identifier": alice, "secret": PASSWORD}).json["access_token"]
    for token in (elsewhere.ask_token().json["token"], api_token, "nonsense"):
        assert the_hub.request("GET", "/v2/", token).status_code == 401
    registry_token = the_hub.token("a/b", user=alice)
    assert the_hub.request("GET", "/hub.docker.com/v2/access-tokens", registry_token).status_code == 401


def test_containerd_requests_a_token_with_a_form(the_hub, alice):
    scope = f"repository:{alice}/app:pull,push"
    form = {"grant_type": "password", "username": alice, "password": PASSWORD, "scope": scope}
    answer = the_hub.request("POST", "/token", data=form)
    assert the_hub.push_with(answer.json["access_token"], f"{alice}/app").status_code == 201
    assert "refresh_token" not in answer.json

    answer = the_hub.request("POST", "/token", data={**form, "access_type": "offline"})
    again = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"], "scope": scope}
    token = the_hub.request("POST", "/token", data=again).json["access_token"]
    assert the_hub.push_with(token, f"{alice}/app", "2").status_code == 201


def test_a_form_with_the_wrong_secret_is_refused(the_hub, alice):
    for form in (
        {"grant_type": "password", "username": alice, "password": "wrong"},
        {"grant_type": "refresh_token", "refresh_token": the_hub.token("a/b", user=alice)},
    ):
        answer = the_hub.request("POST", "/token", data=form)
        assert (answer.status_code, answer.json) == (401, {"details": "incorrect username or password"})
    assert the_hub.request("POST", "/token", data={"grant_type": "magic"}).status_code == 400


def test_a_refresh_token_is_valid_as_long_as_its_access_token(the_hub, alice):
    made = the_hub.access_token(alice, "repo:read")
    form = {"grant_type": "password", "username": alice, "password": made["token"], "access_type": "offline"}
    refresh = the_hub.request("POST", "/token", data=form).json["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert the_hub.request("POST", "/token", data=form).status_code == 200
    the_hub.api("DELETE", f"/access-tokens/{made['uuid']}", alice)
    assert the_hub.request("POST", "/token", data=form).status_code == 401


# --- permissions ------------------------------------------------------------------------------------------------------


def test_the_first_push_creates_a_public_repository_that_anyone_can_pull(the_hub, alice):
    assert the_hub.push(f"{alice}/app", alice).status_code == 201
    assert not the_hub.repository(f"{alice}/app")["is_private"]
    assert the_hub.pull(f"{alice}/app").status_code == 200


def test_an_account_can_create_private_repositories_by_default(the_hub):
    carol = the_hub.sign_up(default_privacy="private")
    assert the_hub.push(f"{carol}/app", carol).status_code == 201
    assert the_hub.repository(f"{carol}/app", carol)["is_private"]
    assert the_hub.pull(f"{carol}/app").status_code == 401


def test_an_unfinished_push_creates_no_repository(the_hub, alice):
    token = the_hub.token(f"{alice}/app", "pull,push", alice)
    assert the_hub.request("POST", f"/v2/{alice}/app/blobs/uploads/", token).status_code == 202
    assert the_hub.put(f"{alice}/app", token, "1", manifest(digest_of(b"not sent"), 8), MANIFEST).status_code == 404
    assert the_hub.put(f"{alice}/app", token, "1", b"nonsense", MANIFEST).status_code == 400
    assert the_hub.repository(f"{alice}/app")["message"] == "object not found"


@pytest.mark.parametrize("name", ["{bob}/app", "library/app", "app", "{alice}/deep/app", "{alice}/App", "{alice}/a"])
def test_a_push_to_another_namespace_is_refused(the_hub, alice, bob, name):
    name = name.format(alice=alice, bob=bob)
    token = the_hub.token(name, "pull,push", alice)
    answer = the_hub.push_with(token, name)
    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"].endswith(
        f'scope="repository:{name}:pull,push",error="insufficient_scope"'
    )
    assert the_hub.request("GET", "/v2/", token).status_code == 200


def test_only_the_owner_can_push_to_a_public_repository(the_hub, alice, bob):
    the_hub.push(f"{alice}/app", alice)
    for user in (bob, None):
        assert the_hub.push_with(the_hub.token(f"{alice}/app", "pull,push", user), f"{alice}/app").status_code == 401


def test_an_anonymous_client_cannot_tell_a_private_repository_from_a_missing_one(the_hub, alice, bob):
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json={"name": "closed", "is_private": True})
    assert the_hub.push(f"{alice}/closed", alice).status_code == 201
    for user in (None, bob):
        private, none = (the_hub.pull(f"{alice}/{name}", user) for name in ("closed", "absent"))
        assert private.status_code == none.status_code == 401
        assert private.text == none.text.replace("absent", "closed")
        assert private.headers["Www-Authenticate"] == none.headers["Www-Authenticate"].replace("absent", "closed")
        seen = [the_hub.repository(f"{alice}/{name}", user) for name in ("closed", "absent")]
        assert seen[0] == seen[1]
        assert the_hub.api("GET", f"/namespaces/{alice}/repositories", user).json["count"] == 0
    assert the_hub.pull(f"{alice}/absent", alice).status_code == 401
    assert the_hub.pull(f"{alice}/closed", alice).status_code == 200


def test_a_token_grants_only_the_requested_actions(the_hub, alice):
    the_hub.push(f"{alice}/app", alice)
    only_pull = the_hub.token(f"{alice}/app", "pull", alice)
    assert the_hub.push_with(only_pull, f"{alice}/app", "2").status_code == 401
    assert the_hub.push_with(only_pull, f"{alice}/other").status_code == 401


def test_collaborators_pull_and_push_until_they_are_removed(the_hub, alice, bob):
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json={"name": "ours", "is_private": True})
    the_hub.push(f"{alice}/ours", alice)
    before = the_hub.token(f"{alice}/ours", "pull,push", bob)
    path = f"/repositories/{alice}/ours/collaborators/"
    assert the_hub.api("POST", path, alice, json={"user": bob}).status_code == 201
    assert [each["user"] for each in the_hub.api("GET", path, alice).json["results"]] == [bob]

    token = the_hub.token(f"{alice}/ours", "pull,push", bob)
    assert the_hub.push_with(token, f"{alice}/ours", "2").status_code == 201
    assert the_hub.pull(f"{alice}/ours", bob, "2").status_code == 200
    assert the_hub.push_with(before, f"{alice}/ours", "3").status_code == 401
    for method, path_of_owner in [("DELETE", f"/repositories/{alice}/ours/"), ("POST", path)]:
        assert the_hub.api(method, path_of_owner, bob, json={"user": bob}).status_code == 403

    the_hub.api("DELETE", path + bob, alice)
    assert the_hub.push_with(token, f"{alice}/ours", "3").status_code == 401
    assert the_hub.pull(f"{alice}/ours", bob, "2").status_code == 401


def test_a_repository_that_becomes_private_is_private_immediately(the_hub, alice):
    the_hub.push(f"{alice}/app", alice)
    token = the_hub.token(f"{alice}/app")
    assert the_hub.request("GET", f"/v2/{alice}/app/manifests/1", token).status_code == 200
    answer = the_hub.api("POST", f"/repositories/{alice}/app/privacy", alice, json={"is_private": True})
    assert answer.json["is_private"]
    assert the_hub.request("GET", f"/v2/{alice}/app/manifests/1", token).status_code == 401


def test_a_layer_is_mounted_only_from_a_repository_that_the_token_may_pull(the_hub, alice, bob):
    config = json.dumps({"made for": f"{alice}/app:1"}).encode()
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json={"name": "app", "is_private": True})
    assert the_hub.push(f"{alice}/app", alice).status_code == 201
    query = f"?mount={digest_of(config)}&from={alice}/app"
    scopes = f"repository:{bob}/app:pull,push repository:{alice}/app:pull"
    token = the_hub.ask_token(scopes, bob).json["token"]
    assert the_hub.request("POST", f"/v2/{bob}/app/blobs/uploads/{query}", token).status_code == 202
    the_hub.api("POST", f"/repositories/{alice}/app/privacy", alice, json={"is_private": False})
    without = the_hub.token(f"{bob}/app", "pull,push", bob)
    assert the_hub.request("POST", f"/v2/{bob}/app/blobs/uploads/{query}", without).status_code == 202
    token = the_hub.ask_token(scopes, bob).json["token"]
    assert the_hub.request("POST", f"/v2/{bob}/app/blobs/uploads/{query}", token).status_code == 201


def test_the_error_for_an_unknown_tag_names_it(the_hub, alice):
    the_hub.push(f"{alice}/app", alice)
    answer = the_hub.pull(f"{alice}/app", tag="absent")
    assert answer.status_code == 404
    assert answer.json["errors"] == [
        {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown", "detail": "unknown tag=absent"}
    ]


def test_images_are_not_deleted_with_docker(the_hub, alice):
    the_hub.push(f"{alice}/app", alice)
    token = the_hub.token(f"{alice}/app", "pull,push,delete", alice)
    assert the_hub.request("DELETE", f"/v2/{alice}/app/manifests/1", token).status_code == 401
    assert the_hub.pull(f"{alice}/app").status_code == 200


# --- personal access tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "pulls_public", "pulls_private", "pushes"),
    [
        ("repo:public_read", True, False, False),
        ("repo:read", True, True, False),
        ("repo:write", True, True, True),
        ("repo:admin", True, True, True),
    ],
)
def test_an_access_token_allows_only_its_scope(the_hub, alice, scope, pulls_public, pulls_private, pushes):
    the_hub.push(f"{alice}/open", alice)
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json={"name": "closed", "is_private": True})
    the_hub.push(f"{alice}/closed", alice)
    secret = the_hub.access_token(alice, scope)["token"]
    assert secret.startswith("dckr_pat_")
    for repository, actions, good in [
        ("open", "pull", pulls_public),
        ("closed", "pull", pulls_private),
        ("open", "push,pull", pushes),
        ("new", "push,pull", pushes),
    ]:
        answer = the_hub.ask_token(f"repository:{alice}/{repository}:{actions}", alice, secret)
        assert answer.status_code == (200 if good else 401), (repository, actions)
        if not good:
            assert answer.json == {"details": "access token has insufficient scopes"}
    assert (the_hub.ask_token(user=alice, secret=secret)).status_code == 200
    if pushes:
        assert the_hub.push(f"{alice}/new", alice, secret=secret).status_code == 201


def test_an_access_token_is_shown_once_and_can_be_revoked(the_hub, alice, bob):
    made = the_hub.access_token(alice, "repo:read")
    listed = the_hub.api("GET", "/access-tokens", alice).json
    assert [(each["uuid"], each["token"]) for each in listed["results"]] == [(made["uuid"], "")]
    assert listed["active_count"] == 1
    assert the_hub.api("GET", f"/access-tokens/{made['uuid']}", alice).json["scopes"] == ["repo:read"]
    assert the_hub.api("DELETE", f"/access-tokens/{made['uuid']}", bob).status_code == 404
    assert the_hub.ask_token(user=bob, secret=made["token"]).status_code == 401
    assert the_hub.ask_token(user=alice, secret=made["token"]).status_code == 200
    assert the_hub.api("GET", f"/access-tokens/{made['uuid']}", alice).json["last_used"]

    assert the_hub.api("DELETE", f"/access-tokens/{made['uuid']}", alice).status_code == 204
    answer = the_hub.ask_token(user=alice, secret=made["token"])
    assert (answer.status_code, answer.json) == (401, {"details": "incorrect username or password"})


def test_an_access_token_can_be_deactivated_and_activated(the_hub, alice):
    made = the_hub.access_token(alice, "repo:read")
    for active in (False, True):
        the_hub.api("PATCH", f"/access-tokens/{made['uuid']}", alice, json={"is_active": active})
        assert (the_hub.ask_token(user=alice, secret=made["token"]).status_code == 200) == active


def test_an_access_token_expires(the_hub, alice):
    old = the_hub.access_token(alice, "repo:read", expires_at="2021-10-28T18:30:19.520861Z")
    assert the_hub.ask_token(user=alice, secret=old["token"]).json == {"details": "personal access token is expired"}
    future = the_hub.access_token(alice, "repo:read", expires_at="2999-10-28T18:30:19Z")
    assert the_hub.ask_token(user=alice, secret=future["token"]).status_code == 200


def test_an_access_token_cannot_create_another(the_hub, alice):
    secret = the_hub.access_token(alice, "repo:admin")["token"]
    answer = the_hub.api("POST", "/access-tokens", alice, secret, json={"token_label": "x", "scopes": ["repo:read"]})
    assert (answer.status_code, answer.json["message"]) == (403, "token issued from personal access token")


@pytest.mark.parametrize(("scope", "status"), [("repo:write", 403), ("repo:admin", 201)])
def test_only_the_admin_scope_manages_repositories(the_hub, alice, scope, status):
    secret = the_hub.access_token(alice, scope)["token"]
    answer = the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, secret, json={"name": "made"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"token_label": "x", "scopes": ["repo:everything"]},
        {"token_label": "x", "scopes": []},
        {"token_label": "", "scopes": ["repo:read"]},
        {"token_label": "x", "scopes": ["repo:read"], "expires_at": "tomorrow"},
    ],
)
def test_an_invalid_access_token_is_not_created(the_hub, alice, body):
    assert the_hub.api("POST", "/access-tokens", alice, json=body).status_code == 400
    assert the_hub.api("GET", "/access-tokens", alice).json["count"] == 0


# --- accounts and plans -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "password"),
    [("abc", PASSWORD), ("Alice", PASSWORD), ("al-ice", PASSWORD), ("library", PASSWORD), ("goodname", "short")],
)
def test_an_invalid_docker_id_or_password_is_refused(the_hub, username, password):
    answer = the_hub.api("POST", "/sandbox/accounts", json={"username": username, "password": password})
    assert answer.status_code == 400


def test_a_docker_id_is_unique(the_hub, alice):
    again = {"username": alice, "password": PASSWORD}
    assert the_hub.api("POST", "/sandbox/accounts", json=again).status_code == 201
    answer = the_hub.api("POST", "/sandbox/accounts", json={**again, "password": "another one"})
    assert (answer.status_code, answer.json["message"]) == (400, f"The Docker ID {alice} is taken.")
    assert the_hub.ask_token(user=alice).status_code == 200


def test_the_older_login_answers_too(the_hub, alice):
    answer = the_hub.api("POST", "/users/login", json={"username": alice, "password": PASSWORD})
    assert the_hub.request("GET", "/hub.docker.com/v2/access-tokens", answer.json["token"]).status_code == 200
    headers = {"Authorization": f"JWT {answer.json['token']}"}
    assert the_hub.request("GET", "/hub.docker.com/v2/access-tokens", headers=headers).status_code == 200
    answer = the_hub.api("POST", "/users/login", json={"username": alice, "password": "wrong"})
    assert (answer.status_code, answer.json["detail"]) == (401, "Incorrect authentication credentials")


def test_the_personal_plan_has_one_private_repository(the_hub, alice):
    path = f"/namespaces/{alice}/repositories"
    assert the_hub.api("POST", path, alice, json={"name": "one", "is_private": True}).status_code == 201
    answer = the_hub.api("POST", path, alice, json={"name": "two", "is_private": True})
    assert (answer.status_code, answer.json["message"]) == (400, "No more private repositories available")
    assert the_hub.api("POST", path, alice, json={"name": "two"}).status_code == 201
    answer = the_hub.api("POST", f"/repositories/{alice}/two/privacy", alice, json={"is_private": True})
    assert answer.status_code == 400
    assert not the_hub.repository(f"{alice}/two")["is_private"]

    the_hub.api("DELETE", f"/repositories/{alice}/one/", alice)
    answer = the_hub.api("POST", f"/repositories/{alice}/two/privacy", alice, json={"is_private": True})
    assert answer.status_code == 200


@pytest.mark.parametrize("plan", ["pro", "team", "business"])
def test_a_paid_plan_has_unlimited_private_repositories(the_hub, plan):
    carol = the_hub.sign_up(plan=plan)
    for name in ("one", "two", "three"):
        body = {"name": name, "is_private": True}
        assert the_hub.api("POST", f"/namespaces/{carol}/repositories", carol, json=body).status_code == 201


@pytest.mark.parametrize("way_out", ["public", "pro"])
def test_a_push_above_the_plans_quota_creates_a_locked_repository(the_hub, way_out):
    carol = the_hub.sign_up(default_privacy="private")
    assert the_hub.push(f"{carol}/one", carol).status_code == 201
    assert the_hub.push(f"{carol}/two", carol).status_code == 201
    assert the_hub.repository(f"{carol}/one", carol)["status_description"] == "Active"
    assert the_hub.repository(f"{carol}/two", carol)["status_description"] == "Locked"
    assert the_hub.push(f"{carol}/two", carol, "2").status_code == 401
    assert the_hub.pull(f"{carol}/two", carol).status_code == 401

    if way_out == "public":
        the_hub.api("POST", f"/repositories/{carol}/two/privacy", carol, json={"is_private": False})
    else:
        the_hub.api("PATCH", f"/sandbox/accounts/{carol}", carol, json={"plan": "pro"})
    assert the_hub.pull(f"{carol}/two", carol).status_code == 200
    assert the_hub.push(f"{carol}/two", carol, "2").status_code == 201


def test_the_plan_of_another_account_cannot_be_changed(the_hub, alice, bob):
    assert the_hub.api("PATCH", f"/sandbox/accounts/{alice}", bob, json={"plan": "pro"}).status_code == 403
    assert the_hub.api("PATCH", f"/sandbox/accounts/{alice}", json={"plan": "pro"}).status_code == 401
    assert the_hub.api("PATCH", f"/sandbox/accounts/{alice}", alice, json={"plan": "gold"}).status_code == 400


# --- the web API's repositories ---------------------------------------------------------------------------------------


def test_a_repository_has_the_fields_of_docker_hubs_api(the_hub, alice):
    body = {"name": "app", "description": "An app", "full_description": "A longer text", "is_private": False}
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json=body)
    seen = the_hub.repository(f"{alice}/app")
    assert {name: seen[name] for name in body} == body
    assert (seen["namespace"], seen["pull_count"], seen["repository_type"]) == (alice, 0, "image")
    assert seen["permissions"] == {"read": True, "write": False, "admin": False}
    assert the_hub.repository(f"{alice}/app", alice)["permissions"] == {"read": True, "write": True, "admin": True}
    assert the_hub.api("GET", f"/repositories/{alice}/app/").json == seen
    answer = the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json=body)
    assert answer.status_code == 409
    assert the_hub.api("GET", f"/namespaces/{alice}/repositories").json["results"] == [seen]


def test_pulls_and_tags_are_shown(the_hub, alice):
    the_hub.push(f"{alice}/app", alice, "1")
    the_hub.push(f"{alice}/app", alice, "2")
    the_hub.pull(f"{alice}/app")
    the_hub.pull(f"{alice}/app", alice, "2")
    the_hub.pull(f"{alice}/app", method="HEAD")
    assert the_hub.repository(f"{alice}/app")["pull_count"] == 2
    tags = the_hub.api("GET", f"/namespaces/{alice}/repositories/app/tags").json["results"]
    assert [tag["name"] for tag in tags] == ["1", "2"]


def test_a_repository_is_deleted_with_its_images(the_hub, alice):
    the_hub.push(f"{alice}/app", alice)
    assert the_hub.api("DELETE", f"/repositories/{alice}/app/", alice).status_code == 202
    assert the_hub.pull(f"{alice}/app", alice).status_code == 401
    the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, json={"name": "app"})
    assert the_hub.pull(f"{alice}/app").status_code == 404


def test_an_account_is_deleted_with_its_repositories_and_its_name_is_free(the_hub, alice, bob):
    the_hub.push(f"{alice}/app", alice)
    the_hub.push(f"{bob}/app", bob)
    the_hub.api("POST", f"/repositories/{bob}/app/collaborators", bob, json={"user": alice})
    secret = the_hub.access_token(alice, "repo:admin")["token"]
    for _ in range(2):  # deleting it again also succeeds
        assert the_hub.api("DELETE", f"/sandbox/accounts/{alice}").status_code == 204
    assert the_hub.ask_token(user=alice).status_code == the_hub.ask_token(user=alice, secret=secret).status_code == 401
    assert the_hub.repository(f"{bob}/app", bob)["collaborator_count"] == 0
    another = {"username": alice, "password": "another password"}
    assert the_hub.api("POST", "/sandbox/accounts", json=another).status_code == 201
    assert the_hub.api("GET", f"/namespaces/{alice}/repositories").json["results"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/namespaces/{bob}/repositories", 403),
        ("DELETE", "/repositories/{bob}/app/", 403),
        ("POST", "/repositories/{bob}/app/privacy", 403),
        ("GET", "/repositories/{bob}/app/collaborators", 403),
        ("GET", "/no/such/path", 404),
        ("DELETE", "/users/login", 405),
    ],
)
def test_the_api_refuses(the_hub, alice, bob, method, path, status):
    the_hub.push(f"{bob}/app", bob)
    answer = the_hub.api(method, path.format(bob=bob), alice, json={"name": "mine", "is_private": True})
    assert answer.status_code == status
    assert set(answer.json) == {"message", "errinfo"}


@pytest.mark.parametrize("body", [b"not json", b"[]"])
def test_a_body_that_is_not_an_object_is_refused(the_hub, alice, body):
    assert the_hub.api("POST", f"/namespaces/{alice}/repositories", alice, data=body).status_code == 400


def test_other_paths_are_not_found(the_hub):
    assert the_hub.request("GET", "/").status_code == 404
    assert the_hub.request("DELETE", "/token").status_code == 404


# --- the pull limit ---------------------------------------------------------------------------------------------------


def left(answer: TestResponse) -> str:
    return answer.headers["ratelimit-remaining"]


def test_the_default_limit_is_docker_hubs(the_hub, limit):
    limit()
    assert the_hub.api("GET", "/sandbox/pull-limit").json == {
        **vars(PullLimit(anonymous=100, personal=200, window=21600)),
        "of_the_real_hub": {"anonymous": 100, "personal": 200, "window": 21600},
    }
    limit(anonymous=3)
    assert the_hub.api("GET", "/sandbox/pull-limit").json["anonymous"] == 3


@pytest.mark.parametrize("body", [{"anonymous": -1}, {"personal": "many"}, {"window": 0}, {"anonymous": True}])
def test_a_limit_is_a_number(the_hub, body):
    assert the_hub.api("PUT", "/sandbox/pull-limit", json=body).status_code == 400


def test_the_headers_show_the_limit_as_dockers_documentation_reads_them(the_hub, limit):
    limit()
    answer = the_hub.pull("ratelimitpreview/test", tag="latest", method="HEAD")
    assert answer.status_code == 200
    assert answer.headers["ratelimit-limit"] == "100;w=21600"
    assert left(answer) == "100;w=21600"
    assert answer.headers["docker-ratelimit-source"] == ME
    assert left(the_hub.pull("ratelimitpreview/test", tag="latest")) == "99;w=21600"
    assert left(the_hub.pull("ratelimitpreview/test", tag="latest", method="HEAD")) == "99;w=21600"


def test_only_pulls_are_counted(the_hub, alice, limit):
    limit()
    the_hub.push(f"{alice}/app", alice)
    assert the_hub.pull(f"{alice}/app", tag="absent").status_code == 404
    assert the_hub.pull(f"{alice}/none").status_code == 401
    assert left(the_hub.pull(f"{alice}/app", method="HEAD")) == "100;w=21600"


def test_an_image_for_several_architectures_counts_by_the_architectures_pulled(the_hub, alice, limit):
    token = the_hub.token(f"{alice}/app", "pull,push", alice)
    children = []
    for tag in ("amd64", "arm64"):
        digest = the_hub.push_with(token, f"{alice}/app", tag).headers["Docker-Content-Digest"]
        children.append(
            {"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": {"os": "linux", "architecture": tag}}
        )
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).encode()
    assert the_hub.put(f"{alice}/app", token, "both", index, INDEX).status_code == 201
    limit()
    assert left(the_hub.pull(f"{alice}/app", tag="both")) == "100;w=21600"
    assert left(the_hub.pull(f"{alice}/app", tag=children[0]["digest"])) == "99;w=21600"
    assert left(the_hub.pull(f"{alice}/app", tag=children[1]["digest"])) == "98;w=21600"


def test_an_anonymous_client_above_the_limit(the_hub, alice, limit):
    the_hub.push(f"{alice}/app", alice)
    limit(anonymous=2)
    assert [the_hub.pull(f"{alice}/app").status_code for _ in range(3)] == [200, 200, 429]
    answer = the_hub.pull(f"{alice}/app")
    assert answer.json == {
        "errors": [
            {
                "code": "TOOMANYREQUESTS",
                "message": "You have reached your unauthenticated pull rate limit. "
                "https://www.docker.com/increase-rate-limit",
            }
        ]
    }
    assert (answer.headers["ratelimit-limit"], left(answer)) == ("2;w=21600", "0;w=21600")
    assert the_hub.pull(f"{alice}/app", method="HEAD").status_code == 200
    assert the_hub.pull(f"{alice}/app", alice).status_code == 200
    assert the_hub.pull(f"{alice}/app", address="127.0.0.2").status_code == 200


def test_an_account_above_the_limit(the_hub, alice, bob, limit):
    the_hub.push(f"{alice}/app", alice)
    limit(personal=1)
    answer = the_hub.pull(f"{alice}/app", alice)
    assert answer.headers["docker-ratelimit-source"] not in (ME, alice)
    answer = the_hub.pull(f"{alice}/app", alice)
    assert answer.status_code == 429
    message = answer.json["errors"][0]["message"]
    assert message.startswith(f"You have reached your pull rate limit as '{alice}': dckr_jti_")
    assert message.endswith(". You may increase the limit by upgrading. https://www.docker.com/increase-rate-limit")
    assert the_hub.pull(f"{alice}/app", bob).status_code == 200
    assert the_hub.pull(f"{alice}/app").status_code == 200

    the_hub.api("PATCH", f"/sandbox/accounts/{alice}", alice, json={"plan": "pro"})
    answer = the_hub.pull(f"{alice}/app", alice)
    assert answer.status_code == 200
    assert "ratelimit-limit" not in answer.headers
    assert "docker-ratelimit-source" not in answer.headers


def test_the_limit_ends_with_its_window(the_hub, alice, limit, monkeypatch):
    the_hub.push(f"{alice}/app", alice)
    limit(anonymous=1)
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start)
    assert the_hub.pull(f"{alice}/app").status_code == 200
    monkeypatch.setattr(time, "time", lambda: start + 21599)
    assert the_hub.pull(f"{alice}/app").status_code == 429
    monkeypatch.setattr(time, "time", lambda: start + 21600)
    assert the_hub.pull(f"{alice}/app").status_code == 200


# --- persistence ------------------------------------------------------------------------------------------------------


def test_everything_survives_a_restart(tmp_path):
    before = Hub(tmp_path)
    alice = before.sign_up()
    before.push(f"{alice}/app", alice)
    secret = before.access_token(alice, "repo:write")["token"]
    token = before.token(f"{alice}/app")
    before.store.close()

    after = Hub(tmp_path)
    assert after.pull(f"{alice}/app").status_code == 200
    assert after.request("GET", f"/v2/{alice}/app/manifests/1", token).status_code == 200
    assert after.push(f"{alice}/app", alice, "2", secret).status_code == 201
    after.store.close()


def test_no_secret_is_stored_in_plain_text(the_hub, alice):
    secret = the_hub.access_token(alice, "repo:write")["token"]
    the_hub.ask_token(user=alice, secret=secret)
    for file in the_hub.state.glob("state.db*"):
        assert PASSWORD.encode() not in file.read_bytes()
        assert secret.encode() not in file.read_bytes()


def test_the_first_request_for_an_official_image_stores_it(tmp_path, monkeypatch):
    config, layout = b'{"architecture": "amd64", "os": "linux"}', tmp_path / "layout"
    text = manifest(digest_of(config), len(config))
    for content in (config, text):
        path = layout / "blobs" / digest_of(content).replace(":", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("ECR_SANDBOX_BASE_IMAGE", str(layout))
    without = Hub(tmp_path)
    assert without.pull("library/python", tag=settings.MIRROR_TAG).status_code == 401
    without.store.close()
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": digest_of(text)}]}))
    for _ in range(2):
        the_hub = Hub(tmp_path)
        assert the_hub.pull("library/python", tag=settings.MIRROR_TAG).data == text
        assert the_hub.push("library/python", the_hub.sign_up()).status_code == 401
        the_hub.store.close()
