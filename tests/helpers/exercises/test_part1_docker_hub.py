"""Exercise 02.1."""

import os

import pytest
import requests

from helpers import tiny_image
from helpers.exercises import checks

PASSWORD = "correct horse"


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, and the stand-in for Docker Hub."""
    plain.docker_hub()
    capsys.readouterr()
    return plain


@pytest.fixture
def api(lab):
    """The web API's address; learner has signed up, and $HUB_TOKEN is an access token of theirs."""
    api = f"{os.environ['HUB_API']}/v2"
    requests.post(f"{api}/sandbox/accounts", json={"username": "learner", "password": PASSWORD})
    wanted = {"token_label": "laptop", "scopes": ["repo:write"]}
    os.environ["HUB_TOKEN"] = requests.post(f"{api}/access-tokens", json=wanted, headers=signed_in(api)).json()["token"]
    return api


def signed_in(api: str) -> dict[str, str]:
    ticket = requests.post(f"{api}/auth/token", json={"identifier": "learner", "secret": PASSWORD}).json()
    return {"Authorization": f"Bearer {ticket['access_token']}"}


def push(registry: str, token: str, name: str, tag: str = "v1") -> None:
    """Push the course's example image with a Bearer token."""
    base, headers = f"http://{registry}/v2/{name}", {"Authorization": f"Bearer {token}"}
    blobs = tiny_image.layers("Hello!")
    config, manifest = tiny_image.describe(blobs)
    for blob in (*blobs, config):
        place = requests.post(f"{base}/blobs/uploads/", headers=headers).headers["Location"]
        place = place if place.startswith("http") else f"http://{registry}{place}"
        requests.put(place, params={"digest": tiny_image.digest(blob)}, data=blob, headers=headers).raise_for_status()
    headers["Content-Type"] = tiny_image.MANIFEST
    requests.put(f"{base}/manifests/{tag}", data=manifest, headers=headers).raise_for_status()


def push_to_hub(name: str) -> None:
    ask = {"service": "registry.docker.io", "scope": f"repository:{name}:pull,push"}
    answer = requests.get(f"http://{os.environ['HUB']}/token", params=ask, auth=("learner", os.environ["HUB_TOKEN"]))
    push(os.environ["HUB"], answer.json()["token"], name)


def set_private(api: str, name: str, private: bool) -> int:
    body = {"is_private": private}
    return requests.post(f"{api}/repositories/learner/{name}/privacy", json=body, headers=signed_in(api)).status_code


def verdict() -> str:
    return checks.verdict("02.1")[1]


@pytest.mark.usefixtures("lab")
def test_the_check_needs_the_docker_hub_stand_in():
    os.environ.pop("HUB_TOKEN", None)
    assert verdict() == "✗ 02.1 the Docker Hub stand-in is not in use yet. Hint: run the notebook from its top."


def test_a_missing_repository_is_not_accepted(api):
    assert verdict().startswith("✗ 02.1 you cannot pull learner/hello:v1 either: it is gone, or locked")


def test_a_repository_becomes_private_once_the_plan_allows_it(api):
    push_to_hub("learner/hello")
    open_to_all = "✗ 02.1 anonymous clients can still pull learner/hello"
    assert verdict().startswith(open_to_all)
    body = {"name": "diary", "is_private": True}
    requests.post(f"{api}/namespaces/learner/repositories", json=body, headers=signed_in(api))
    assert set_private(api, "hello", True) == 400
    assert verdict().startswith(open_to_all)
    assert set_private(api, "diary", False) == set_private(api, "hello", True) == 200
    assert verdict() == "✔ 02.1 you can pull learner/hello from the stand-in and anonymous clients cannot"


def test_a_repository_that_is_private_by_default_counts(api):
    body = {"default_privacy": "private"}
    requests.patch(f"{api}/sandbox/accounts/learner", json=body, headers=signed_in(api))
    push_to_hub("learner/hello")
    assert verdict().startswith("✔ 02.1 ")


def test_a_repository_locked_by_the_plan_is_not_accepted(api):
    body = {"default_privacy": "private"}
    requests.patch(f"{api}/sandbox/accounts/learner", json=body, headers=signed_in(api))
    push_to_hub("learner/diary")
    push_to_hub("learner/hello")
    assert verdict().startswith("✗ 02.1 you cannot pull learner/hello:v1 either")


def test_the_check_does_not_count_as_a_pull(api):
    requests.put(f"{api}/sandbox/pull-limit", json={"anonymous": 0, "personal": 0})
    push_to_hub("learner/hello")
    set_private(api, "hello", True)
    assert verdict().startswith("✔ 02.1 ")
