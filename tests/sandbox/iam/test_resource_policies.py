"""Repository and registry policies, in one account and between two, with real clients."""

import json

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.iam.permissions import OTHER, allow, arn_of, policy, refused


def test_the_second_account_is_another(sandbox, repository):
    assert sandbox.client("sts", key=OTHER).get_caller_identity()["Account"] == settings.OTHER_ACCOUNT
    assert repository not in json.dumps(sandbox.client(key=OTHER).describe_repositories(), default=str)
    name = f"{repository}-theirs"
    made = sandbox.client(key=OTHER).create_repository(repositoryName=name)["repository"]
    assert (made["registryId"], made["repositoryArn"]) == (settings.OTHER_ACCOUNT, arn_of(name, settings.OTHER_ACCOUNT))
    assert name not in json.dumps(sandbox.client().describe_repositories(), default=str)


@pytest.mark.operation("SetRepositoryPolicy", "DeleteRepositoryPolicy")
def test_another_account_needs_both_sides(sandbox, repository):
    guest, key = sandbox.make_user(policy(allow("ecr:ListImages")), administrator=OTHER)
    ask = {"registryId": settings.ACCOUNT, "repositoryName": repository}
    message = refused(sandbox.client(key=key).list_images, **ask)
    assert message == (
        f"User: arn:aws:iam::{settings.OTHER_ACCOUNT}:user/{guest} is not authorized to perform: ecr:ListImages "
        f"on resource: {arn_of(repository)} because no resource-based policy allows the ecr:ListImages action"
    )
    share = policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{settings.OTHER_ACCOUNT}:root"}, "Action": "ecr:List*"}
    )
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=json.dumps(share))
    assert sandbox.client(key=key).list_images(**ask)["imageIds"] == []
    assert "ecr:DescribeImages" in refused(sandbox.client(key=key).describe_images, **ask)
    _, powerless = sandbox.make_user(administrator=OTHER)
    assert "because no identity-based policy" in refused(sandbox.client(key=powerless).list_images, **ask)
    sandbox.client().delete_repository_policy(repositoryName=repository)
    assert "no resource-based policy" in refused(sandbox.client(key=key).list_images, **ask)


@pytest.mark.operation("PutRegistryPolicy", "DeleteRegistryPolicy")
def test_a_registry_policy_applies_to_every_repository(sandbox, repository):
    """With the scope V2, the only remaining one ("Private registry permissions" in the user guide)."""
    ecr, iam = sandbox.client(), sandbox.client("iam", key=OTHER)
    name, key = sandbox.make_user(policy(allow("ecr:*")), administrator=OTHER)
    guest = sandbox.client(key=key)
    share = {
        "Effect": "Allow",
        "Principal": {"AWS": settings.OTHER_ACCOUNT},
        "Action": ["ecr:ListImages", "ecr:BatchGetImage"],
    }
    ecr.put_registry_policy(policyText=json.dumps(policy({**share, "Resource": arn_of("*")})))
    ask = {"registryId": settings.ACCOUNT, "repositoryName": repository}
    [login] = guest.get_authorization_token(registryIds=[settings.ACCOUNT])["authorizationData"]

    def pull() -> int:
        basic = f"Basic {login['authorizationToken']}"
        return sandbox.http("GET", f"/v2/{repository}/manifests/v1", Authorization=basic)[0]

    try:
        assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V2"
        assert guest.list_images(**ask)["imageIds"] == []
        assert pull() == 404  # allowed, but there is no such image
        assert "no resource-based policy" in refused(guest.describe_images, **ask)
        iam.delete_user_policy(UserName=name, PolicyName=iam.list_user_policies(UserName=name)["PolicyNames"][0])
        assert "no identity-based policy" in refused(guest.list_images, **ask)
    finally:
        ecr.delete_registry_policy()


def test_an_administrator_has_no_rights_in_another_account(sandbox, repository):
    ask = {"registryId": settings.ACCOUNT, "repositoryName": repository}
    for registry in (settings.ACCOUNT, "999988887777"):
        message = refused(sandbox.client(key=OTHER).list_images, **{**ask, "registryId": registry})
        assert message.endswith("because no resource-based policy allows the ecr:ListImages action")


@pytest.mark.operation("SetRepositoryPolicy")
def test_a_repository_policy_alone_is_enough_inside_the_account(sandbox, repository):
    name, key = sandbox.make_user()
    arn = f"arn:aws:iam::{settings.ACCOUNT}:user/{name}"
    share = policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "ecr:ListImages"})
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=json.dumps(share))
    assert sandbox.client(key=key).list_images(repositoryName=repository)["imageIds"] == []


@pytest.mark.operation("SetRepositoryPolicy")
def test_a_repository_policy_that_denies(sandbox, repository):
    _, key = sandbox.make_user(policy(allow("ecr:*")))
    no = policy({"Effect": "Deny", "Principal": "*", "Action": "ecr:DeleteRepository"})
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=json.dumps(no))
    message = refused(sandbox.client(key=key).delete_repository, repositoryName=repository)
    assert "with an explicit deny in a resource-based policy" in message


@pytest.mark.operation("SetRepositoryPolicy")
def test_a_policy_that_locks_its_author_out_needs_force(sandbox, repository):
    """API reference, SetRepositoryPolicy, ``force``. On AWS too it also applies to an administrator."""
    ecr = sandbox.client()
    before = json.dumps(policy({"Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}))
    ecr.set_repository_policy(repositoryName=repository, policyText=before)
    no = json.dumps(policy({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}))
    with pytest.raises(ecr.exceptions.InvalidParameterException, match="'PolicyText' failed to satisfy constraint"):
        ecr.set_repository_policy(repositoryName=repository, policyText=no)
    assert json.loads(ecr.get_repository_policy(repositoryName=repository)["policyText"]) == json.loads(before)
    ecr.set_repository_policy(repositoryName=repository, policyText=no, force=True)
    assert "explicit deny in a resource-based policy" in refused(ecr.list_images, repositoryName=repository)
    assert "explicit deny" in refused(ecr.delete_repository_policy, repositoryName=repository)


def test_an_arn_of_another_region_is_refused(sandbox, repository):
    _, key = sandbox.make_user(policy(allow("ecr:*", f"arn:aws:ecr:eu-west-1:{settings.ACCOUNT}:repository/*")))
    with pytest.raises(ClientError, match="'resourceArn' failed to satisfy constraint"):
        sandbox.client(key=key).list_tags_for_resource(resourceArn=arn_of(repository, region="eu-west-1"))
