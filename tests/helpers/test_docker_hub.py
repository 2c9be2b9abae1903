"""The Docker Hub stand-in as the notebooks use it."""

import os

import pytest
import requests


@pytest.fixture
def hub(plain, capsys):
    """The stand-in."""
    found = plain.docker_hub()
    assert capsys.readouterr().out == f"✔ Docker Hub stand-in: {found.registry}\n"
    return found


def limit(hub) -> dict:
    return requests.get(f"{hub.api}/v2/sandbox/pull-limit").json()


def test_it_sets_the_addresses_for_docker_and_for_the_web_api(hub):
    assert (os.environ["HUB"], os.environ["HUB_API"]) == (hub.registry, hub.api)
    assert repr(hub) == f"<Docker Hub stand-in at {hub.registry}>"


def test_an_account_has_a_token_for_docker_and_headers_for_the_api(hub, capsys):
    learner = hub.sign_up("learner")
    shown = capsys.readouterr().out
    assert shown == "learner: plan personal, new repositories public, token dckr_pat_…\n"
    assert learner.token.startswith("dckr_pat_")
    scope = {"service": "registry.docker.io", "scope": "repository:learner/hello:pull,push"}
    login = (learner.username, learner.token)
    assert requests.get(f"http://{hub.registry}/token", params=scope, auth=login).status_code == 200
    repositories = f"{hub.api}/v2/namespaces/learner/repositories"
    assert requests.post(repositories, json={"name": "diary"}, headers=learner.headers).status_code == 201


def test_signing_up_again_makes_a_new_account(hub):
    first = hub.sign_up("learner")
    second = hub.sign_up("learner")
    assert requests.get(f"{hub.api}/v2/access-tokens", headers=second.headers).json()["count"] == 1
    login = ("learner", first.token)
    assert requests.get(f"http://{hub.registry}/token", auth=login).status_code == 401


def test_the_pull_limit_is_set_and_the_real_one_comes_back(hub, plain, capsys):
    hub.limit_pulls(anonymous=0)
    assert capsys.readouterr().out == "pull limit without an account: 0 in 6 hours\n"
    assert limit(hub)["anonymous"] == 0
    plain.docker_hub()
    assert limit(hub)["anonymous"] == limit(hub)["of_the_real_hub"]["anonymous"] == 100


def test_start_over_deletes_accounts_whether_they_exist_or_not(hub, capsys):
    learner = hub.sign_up("learner")
    hub.limit_pulls(anonymous=1)
    for _ in range(2):
        capsys.readouterr()
        hub.start_over("learner", "colleague")
        assert capsys.readouterr().out == "✔ deleted if present: learner, colleague on Docker Hub\n"
    login = ("learner", learner.token)
    assert requests.get(f"http://{hub.registry}/token", auth=login).status_code == 401
    assert limit(hub)["anonymous"] == 100
