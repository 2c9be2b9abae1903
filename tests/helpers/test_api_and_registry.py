"""What notebook 02 leaves and asks for: the checks of its exercises, and the clean-up on ECR Public."""

import json
import os

import boto3
import pytest
import requests

from helpers import checks, cleanup, example, settings

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


@pytest.fixture
def public(lab):
    return boto3.client("ecr-public", region_name="us-east-1")


def signed_in(api: str) -> dict[str, str]:
    ticket = requests.post(f"{api}/auth/token", json={"identifier": "learner", "secret": PASSWORD}).json()
    return {"Authorization": f"Bearer {ticket['access_token']}"}


def push(registry: str, token: str, name: str, tag: str = "v1") -> None:
    """Push the course's example image with a Bearer token."""
    base, headers = f"http://{registry}/v2/{name}", {"Authorization": f"Bearer {token}"}
    blobs = example.layers("Hello!")
    config, manifest = example.describe(blobs)
    for blob in (*blobs, config):
        place = requests.post(f"{base}/blobs/uploads/", headers=headers).headers["Location"]
        place = place if place.startswith("http") else f"http://{registry}{place}"
        requests.put(place, params={"digest": example.digest(blob)}, data=blob, headers=headers).raise_for_status()
    headers["Content-Type"] = example.MANIFEST
    requests.put(f"{base}/manifests/{tag}", data=manifest, headers=headers).raise_for_status()


def push_to_hub(name: str) -> None:
    ask = {"service": "registry.docker.io", "scope": f"repository:{name}:pull,push"}
    answer = requests.get(f"http://{os.environ['HUB']}/token", params=ask, auth=("learner", os.environ["HUB_TOKEN"]))
    push(os.environ["HUB"], answer.json()["token"], name)


def push_to_public(public, uri: str, tag: str = "v1") -> None:
    registry, _, name = uri.partition("/")
    password = public.get_authorization_token()["authorizationData"]["authorizationToken"]
    headers = {"Authorization": f"Basic {password}"}
    token = requests.get(f"http://{registry}/token/?service=public.ecr.aws&scope=aws", headers=headers).json()["token"]
    push(registry, token, name, tag)


def set_private(api: str, name: str, private: bool) -> int:
    body = {"is_private": private}
    return requests.post(f"{api}/repositories/learner/{name}/privacy", json=body, headers=signed_in(api)).status_code


def said(number: str) -> str:
    return checks.verdict(number)[1]


# 02.1 ---


@pytest.mark.usefixtures("lab")
def test_before_the_notebook_ran_nothing_is_closed():
    os.environ.pop("HUB_TOKEN", None)
    assert said("02.1") == "✗ 02.1 the stand-in was not asked for yet. Hint: run the notebook from its top."


def test_a_repository_that_is_not_there_is_not_closed(api):
    assert said("02.1").startswith("✗ 02.1 you cannot pull learner/hello:v1 either: it is gone, or locked")


def test_a_public_repository_is_not_closed_until_the_plan_has_room(api):
    push_to_hub("learner/hello")
    open_to_all = "✗ 02.1 a stranger can still pull learner/hello"
    assert said("02.1").startswith(open_to_all)
    body = {"name": "diary", "is_private": True}
    requests.post(f"{api}/namespaces/learner/repositories", json=body, headers=signed_in(api))
    assert set_private(api, "hello", True) == 400
    assert said("02.1").startswith(open_to_all)
    assert set_private(api, "diary", False) == set_private(api, "hello", True) == 200
    assert said("02.1") == "✔ 02.1 you can pull learner/hello from the stand-in and a stranger cannot"


def test_another_way_to_close_it_counts_too(api):
    body = {"default_privacy": "private"}
    requests.patch(f"{api}/sandbox/accounts/learner", json=body, headers=signed_in(api))
    push_to_hub("learner/hello")
    assert said("02.1").startswith("✔ 02.1 ")


def test_a_repository_that_the_plan_has_locked_is_no_solution(api):
    body = {"default_privacy": "private"}
    requests.patch(f"{api}/sandbox/accounts/learner", json=body, headers=signed_in(api))
    push_to_hub("learner/diary")
    push_to_hub("learner/hello")
    assert said("02.1").startswith("✗ 02.1 you cannot pull learner/hello:v1 either")


def test_the_check_takes_nothing_from_the_pull_limit(api):
    requests.put(f"{api}/sandbox/pull-limit", json={"anonymous": 0, "personal": 0})
    push_to_hub("learner/hello")
    set_private(api, "hello", True)
    assert said("02.1").startswith("✔ 02.1 ")


# 02.2 ---


def test_published_is_what_a_stranger_can_pull(public):
    assert said("02.2").startswith("✗ 02.2 there is no public repository demo-public-own yet")
    made = public.create_repository(repositoryName="demo-public-own")["repository"]
    empty = "✗ 02.2 demo-public-own has no image v1 that a stranger can pull"
    assert said("02.2").startswith(empty)
    push_to_public(public, made["repositoryUri"], "v2")
    assert said("02.2").startswith(empty)
    push_to_public(public, made["repositoryUri"], "v1")
    done = "✔ 02.2 anybody can pull demo-public-own:v1 from ECR Public"
    assert said("02.2") == done
    assert said("02.2") == done  # one pull a second: the check waits


def test_a_private_repository_of_that_name_is_not_published(lab):
    lab.client().create_repository(repositoryName="demo-public-own", tags=[settings.TAG])
    assert said("02.2").startswith("✗ 02.2 there is no public repository")


# Clean-up ---


def test_public_repositories_of_the_tutorial_are_found_and_deleted_and_no_others(lab, public, capsys):
    ours = public.create_repository(repositoryName="ours", tags=[settings.TAG])["repository"]
    public.create_repository(repositoryName="theirs", tags=[{"Key": "made-by", "Value": "me"}])
    public.create_repository(repositoryName="untold")
    push_to_public(public, ours["repositoryUri"])
    assert cleanup.made_public() == ["ours"]
    assert lab.clean_up()["public"] == ["ours"]
    assert "✔ public repositories deleted: ours\n" in capsys.readouterr().out
    assert {each["repositoryName"] for each in public.describe_repositories()["repositories"]} == {"theirs", "untold"}
    cleanup.forget_public()
    assert capsys.readouterr().out == "✔ a fresh start: no public repository of this tutorial is there\n"


def test_who_may_not_see_ecr_public_has_made_nothing_there(lab):
    iam = lab.client("iam")
    iam.create_user(UserName="reader")
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}
    iam.put_user_policy(UserName="reader", PolicyName="private-only", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    os.environ |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    boto3.DEFAULT_SESSION = None
    assert cleanup.made_public() == []
