"""IAM permissions for docker push and pull, with the messages that docker prints."""

import json
import subprocess

import pytest

from helpers import settings

LOGIN = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
PUSH = (  # ECR user guide, "image-push-iam"
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
    "ecr:BatchGetImage",
)
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def arn(repository: str, account: str = settings.ACCOUNT, region: str = settings.REGION) -> str:
    return f"arn:aws:ecr:{region}:{account}:repository/{repository}"


def sentence(who: str, action: str, repository: str, tail: str) -> str:
    return f"User: {who} is not authorized to perform: {action} on resource: {arn(repository)} {tail}"


def unallowed(action: str) -> str:
    return f"because no identity-based policy allows the {action} action"


@pytest.fixture
def app(sandbox, repository, make_image) -> str:
    """A local image, tagged for the repository."""
    return make_image(f"{sandbox.registry}/{repository}:v1")


@pytest.fixture
def pushed(sandbox, app) -> str:
    """The image, pushed and removed from the engine."""
    sandbox.run(f"docker push {app}")
    subprocess.run(["docker", "rmi", app], check=True, capture_output=True)
    return app


def test_the_documented_push_policy_is_enough_to_push(sandbox, person, repository, app):
    person.may(LOGIN, {"Action": list(PUSH), "Resource": arn(repository)})
    person.run(f"aws ecr get-login-password | docker login --username AWS --password-stdin {sandbox.registry}")
    assert "v1: digest: sha256:" in person.run(f"docker push {app}")


@pytest.mark.parametrize("missing", PUSH[1:5])
def test_a_push_names_the_action_that_is_missing(sandbox, person, repository, app, missing):
    person.may(LOGIN, {"Action": [action for action in PUSH if action != missing], "Resource": arn(repository)})
    person.login(sandbox.registry)
    output = person.refused(f"docker push {app}").splitlines()
    assert output[-1] == f"denied: {sentence(person.arn, missing, repository, unallowed(missing))}"
    # Without PutImage the push is refused after all layers are uploaded.
    assert any(line.endswith(": Pushed") for line in output) == (missing == "ecr:PutImage")


def test_a_client_that_looks_for_the_manifest_first_needs_batch_get_image(sandbox, person, repository):
    """BuildKit and engines with the containerd image store send HEAD first. Its 403 has no body with a reason."""
    person.may(LOGIN, {"Action": list(PUSH[:5]), "Resource": arn(repository)})
    [data] = person.client().get_authorization_token()["authorizationData"]
    basic = f"Basic {data['authorizationToken']}"
    status, _, body = sandbox.http("HEAD", f"/v2/{repository}/manifests/v1", Authorization=basic)
    assert (status, body) == (403, b"")
    person.may(LOGIN, {"Action": list(PUSH), "Resource": arn(repository)})
    assert sandbox.http("HEAD", f"/v2/{repository}/manifests/v1", Authorization=basic)[0] == 404


def test_without_the_check_for_layers_docker_sees_an_empty_403(sandbox, person, repository, app):
    person.may(LOGIN, {"Action": list(PUSH[1:]), "Resource": arn(repository)})
    person.login(sandbox.registry)
    assert "403" in person.refused(f"docker push {app}")


@pytest.mark.parametrize("missing", PULL)
def test_a_pull_names_the_action_that_is_missing(sandbox, person, repository, pushed, missing):
    person.may(LOGIN, {"Action": [action for action in PULL if action != missing], "Resource": arn(repository)})
    person.login(sandbox.registry)
    assert sentence(person.arn, missing, repository, unallowed(missing)) in person.refused(f"docker pull {pushed}")


def test_the_two_pull_actions_are_enough_to_pull(sandbox, person, repository, pushed):
    person.may(LOGIN, {"Action": list(PULL), "Resource": arn(repository)})
    person.login(sandbox.registry)
    assert "Downloaded newer image" in person.run(f"docker pull {pushed}")


def test_a_policy_takes_effect_on_the_next_request(sandbox, person, repository, pushed):
    person.may(LOGIN, {"Action": list(PULL), "Resource": arn(repository)})
    person.login(sandbox.registry)
    person.run(f"docker pull {pushed}")
    sandbox.client("iam").delete_user_policy(UserName=person.name, PolicyName="Allow")
    assert unallowed("ecr:BatchGetImage") in person.refused(f"docker pull {pushed}")


@pytest.mark.parametrize("revoked", ["Inactive", "deleted"])
def test_a_revoked_key_stops_docker_immediately(sandbox, person, repository, pushed, revoked):
    person.may(LOGIN, {"Action": list(PULL), "Resource": arn(repository)})
    person.login(sandbox.registry)
    person.run(f"docker pull {pushed}")
    iam, key = sandbox.client("iam"), {"UserName": person.name, "AccessKeyId": person.key[0]}
    if revoked == "deleted":
        iam.delete_access_key(**key)
    else:
        iam.update_access_key(**key, Status=revoked)
    assert "The security token included in the request is invalid." in person.refused(f"docker pull {pushed}")


def test_an_explicit_deny_beats_full_access(sandbox, person, repository, app):
    sandbox.client("iam").attach_user_policy(
        UserName=person.name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess"
    )
    person.login(sandbox.registry)
    person.run(f"docker push {app}")
    person.policy("Deny", {"Action": "ecr:PutImage", "Resource": arn(repository)})
    tail = "with an explicit deny in an identity-based policy"
    assert sentence(person.arn, "ecr:PutImage", repository, tail) in person.refused(f"docker push {app}")


def test_a_repository_policy_allows_one_user_of_the_account_and_denies_another(sandbox, person, repository, pushed):
    statement = {"Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": person.arn}, "Action": list(PULL)}
    ecr = sandbox.client()

    def set_policy(*statements):
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        ecr.set_repository_policy(repositoryName=repository, policyText=text)

    set_policy(statement)
    person.login(sandbox.registry)
    person.run(f"docker pull {pushed}")
    set_policy(statement, {**statement, "Sid": "No", "Effect": "Deny"})
    tail = "with an explicit deny in a resource-based policy"
    assert sentence(person.arn, PULL[0], repository, tail) in person.refused(f"docker pull {pushed}")
    assert sandbox.run(f"docker pull {pushed}")  # the administrator is not affected


def test_access_denied_does_not_reveal_whether_a_repository_exists(sandbox, person):
    person.login(sandbox.registry)
    output = person.refused(f"docker pull {sandbox.registry}/no-such-repo:v1")
    assert sentence(person.arn, PULL[0], "no-such-repo", unallowed(PULL[0])) in output


def test_a_layer_is_mounted_only_from_a_repository_that_the_caller_may_pull(sandbox, person, repository, pushed):
    """Without permission for the source, the mount becomes an upload."""
    target = f"{repository}-target"
    sandbox.client().create_repository(repositoryName=target)
    person.may(LOGIN, {"Action": list(PUSH), "Resource": arn(target)})
    [data] = person.client().get_authorization_token()["authorizationData"]
    _, _, manifest = sandbox.http("GET", f"/v2/{repository}/manifests/v1", Authorization=sandbox.basic())
    layer = json.loads(manifest)["layers"][0]["digest"]
    ask = ("POST", f"/v2/{target}/blobs/uploads/?mount={layer}&from={repository}", b"")
    basic = f"Basic {data['authorizationToken']}"
    assert sandbox.http(*ask, Authorization=basic)[0] == 202
    person.may(
        LOGIN,
        {"Action": list(PUSH), "Resource": arn(target)},
        {"Action": "ecr:GetDownloadUrlForLayer", "Resource": arn(repository)},
    )
    assert sandbox.http(*ask, Authorization=basic)[0] == 201
