"""Repositories and registries through the API: their settings, tags and policies."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.repository_policies import shown
from helpers import settings
from tests.sandbox.api import image, raw, upload
from tests.sandbox.services.ecr.test_operations import POLICY

OTHER = "999988887777"


@pytest.fixture(scope="module")
def ecr(sandbox):
    return sandbox.client()


def refused(call, **parameters):
    """Code and message of the error of *call*."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def found(ecr, name):
    [repository] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    return repository


def arn(name):
    return f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{name}"


# --- repositories -----------------------------------------------------------------------------------------------------


@pytest.mark.operation("CreateRepository", "DescribeRepositories", "DeleteRepository")
def test_a_repository_is_created_described_and_deleted(sandbox, ecr, repository):
    name = f"{repository}/a__b--c.d"
    began = int(time.time())
    made = ecr.create_repository(repositoryName=name)["repository"]
    assert began <= made.pop("createdAt").timestamp() <= time.time() + 1
    assert made == {
        "repositoryArn": arn(name),
        "registryId": settings.ACCOUNT,
        "repositoryName": name,
        "repositoryUri": f"{sandbox.registry}/{name}",
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    assert found(ecr, name)["repositoryArn"] == arn(name)
    where = f"The repository with name '{name}' {{}} in the registry with id '{settings.ACCOUNT}'"
    assert refused(ecr.create_repository, repositoryName=name) == (
        "RepositoryAlreadyExistsException",
        where.format("already exists"),
    )
    upload(ecr, name, b"{}")
    image(ecr, name, "one", "v1")
    code, message = refused(ecr.delete_repository, repositoryName=name)
    assert code == "RepositoryNotEmptyException"
    assert message.endswith("cannot be deleted because it still contains images")
    assert ecr.delete_repository(repositoryName=name, force=True)["repository"]["repositoryName"] == name
    for call in (ecr.delete_repository, ecr.list_images, ecr.describe_images, ecr.get_repository_policy):
        assert refused(call, repositoryName=name) == ("RepositoryNotFoundException", where.format("does not exist"))
    assert refused(ecr.describe_repositories, repositoryNames=[repository, name])[0] == "RepositoryNotFoundException"


@pytest.mark.operation("CreateRepository")
@pytest.mark.parametrize("kind", ["KMS", "KMS_DSSE"])
def test_the_default_key_is_the_aws_managed_key_of_account_and_region(sandbox, ecr, repository, kind):
    def key(client, name, **more):
        wanted = {"encryptionType": kind, **more}
        made = client.create_repository(repositoryName=f"{repository}/{name}", encryptionConfiguration=wanted)
        assert made["repository"]["encryptionConfiguration"]["encryptionType"] == kind
        return made["repository"]["encryptionConfiguration"]["kmsKey"]

    one, far = key(ecr, "one"), key(sandbox.client(region="eu-west-1"), "one")
    assert one == key(ecr, "two") != far
    assert one.startswith(f"arn:aws:kms:{settings.REGION}:{settings.ACCOUNT}:key/")
    assert far.startswith(f"arn:aws:kms:eu-west-1:{settings.ACCOUNT}:key/")
    assert key(ecr, "three", kmsKey="alias/mine") == "alias/mine"


@pytest.mark.operation("CreateRepository", "CreateRepositoryCreationTemplate")
def test_a_key_without_kms_or_of_another_region_is_refused(ecr, repository):
    mine, far = (f"arn:aws:kms:{region}:{settings.ACCOUNT}:key/a" for region in (settings.REGION, "eu-west-1"))
    for config, wanted in (
        (
            {"encryptionType": "AES256", "kmsKey": mine},
            (
                "InvalidParameterException",
                "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'Invalid encryption "
                "configuration: Encryption key should not be set for AES256 encryption.'",
            ),
        ),
        ({"encryptionType": "KMS", "kmsKey": far}, ("KmsException", "Invalid arn eu-west-1")),
    ):
        new = {"encryptionConfiguration": config}
        assert refused(ecr.create_repository, repositoryName=f"{repository}/new", **new) == wanted
        template = {"prefix": repository, "appliedFor": ["CREATE_ON_PUSH"], **new}
        assert refused(ecr.create_repository_creation_template, **template) == wanted


@pytest.mark.operation("CreateRepository")
@pytest.mark.parametrize("name", ["Demo", "a..b", "-a", "a-", "a/", "/a", "a//b", "x" * 257, "../a"])
def test_an_invalid_name_is_refused(ecr, name):
    code, message = refused(ecr.create_repository, repositoryName=name)
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must ")
    assert message.endswith("'")


@pytest.mark.operation("CreateRepository")
def test_a_repository_in_another_accounts_registry_is_refused(ecr, repository):
    name = f"{repository}-there"
    code, message = refused(ecr.create_repository, repositoryName=name, registryId=OTHER)
    assert code == "AccessDeniedException"
    assert f"arn:aws:ecr:us-east-1:{OTHER}:repository/{name}" in message
    assert refused(ecr.describe_repositories, repositoryNames=[name])[0] == "RepositoryNotFoundException"
    made = ecr.create_repository(repositoryName=name, registryId=settings.ACCOUNT)["repository"]
    assert made["registryId"] == settings.ACCOUNT


@pytest.mark.operation("DescribeRepositories")
def test_repositories_are_listed_by_name_and_in_pages(ecr, repository):
    names = [f"{repository}/{number}" for number in range(5)]
    for name in reversed(names):
        ecr.create_repository(repositoryName=name)
    every = [each["repositoryName"] for each in ecr.describe_repositories(maxResults=1000)["repositories"]]
    assert [name for name in every if name in names] == names
    assert every == sorted(every)
    pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
    assert [each["repositoryName"] for page in pages for each in page["repositories"]] == every
    assert {len(page["repositories"]) for page in pages[:-1]} == {2}
    assert refused(ecr.describe_repositories, nextToken="2")[0] == "InvalidParameterException"
    code, message = refused(ecr.describe_repositories, repositoryNames=names, maxResults=2)
    assert (code, "'maxResults'" in message) == ("InvalidParameterException", True)


# --- tags of a repository ---------------------------------------------------------------------------------------------


def tags_of(ecr, name):
    tags = ecr.list_tags_for_resource(resourceArn=arn(name))["tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


@pytest.mark.operation("CreateRepository", "TagResource", "UntagResource", "ListTagsForResource")
def test_tags_are_added_changed_and_removed(ecr, repository):
    name = f"{repository}-tagged"
    ecr.create_repository(repositoryName=name, tags=[{"Key": "team", "Value": "blue"}])
    more = [{"Key": "team", "Value": "red"}, {"Key": "cost centre/ü", "Value": ""}]
    ecr.tag_resource(resourceArn=arn(name), tags=more)
    assert tags_of(ecr, name) == {"team": "red", "cost centre/ü": ""}
    ecr.untag_resource(resourceArn=arn(name), tagKeys=["team", "never there"])
    assert tags_of(ecr, name) == {"cost centre/ü": ""}
    ecr.delete_repository(repositoryName=name)
    assert refused(ecr.list_tags_for_resource, resourceArn=arn(name))[0] == "RepositoryNotFoundException"
    assert refused(ecr.list_tags_for_resource, resourceArn="arn:aws:s3:::x")[0] == "InvalidParameterException"


@pytest.mark.operation("CreateRepository", "TagResource")
def test_more_than_fifty_tags_are_refused(ecr, repository):
    fifty = [{"Key": f"key-{number}", "Value": "x"} for number in range(50)]
    one_more = [{"Key": "one more", "Value": "x"}]
    code, _ = refused(ecr.create_repository, repositoryName=f"{repository}-new", tags=fifty + one_more)
    assert code == "TooManyTagsException"
    ecr.tag_resource(resourceArn=arn(repository), tags=fifty)
    ecr.tag_resource(resourceArn=arn(repository), tags=[{"Key": "key-1", "Value": "y"}])
    assert refused(ecr.tag_resource, resourceArn=arn(repository), tags=one_more)[0] == "TooManyTagsException"
    assert len(tags_of(ecr, repository)) == 50


@pytest.mark.operation("CreateRepository", "TagResource")
@pytest.mark.parametrize(
    "tags",
    [
        [("aws:team", "blue")],
        [("AWS:team", "blue")],
        [("", "x")],
        [("k" * 129, "x")],
        [("key", "v" * 257)],
        [("key", "a;b")],
        [("key", "1"), ("key", "2")],
    ],
    ids=["aws:", "AWS:", "no key", "long key", "long value", "character", "twice"],
)
def test_an_invalid_resource_tag_is_refused(ecr, repository, tags):
    given = [{"Key": key, "Value": value} for key, value in tags]
    wanted = ("InvalidTagParameterException", "Tag parameters are invalid")
    assert refused(ecr.create_repository, repositoryName=f"{repository}-new", tags=given) == wanted
    assert refused(ecr.tag_resource, resourceArn=arn(repository), tags=given) == wanted
    assert tags_of(ecr, repository) == {}


# --- image tag mutability ---------------------------------------------------------------------------------------------


def excluding(*filters):
    return [{"filterType": "WILDCARD", "filter": each} for each in filters]


@pytest.mark.operation("PutImageTagMutability", "CreateRepository", "DescribeRepositories")
@pytest.mark.parametrize("mode", ["MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"])
def test_only_a_mode_with_exclusion_has_filters(ecr, repository, mode):
    filters = {"imageTagMutabilityExclusionFilters": excluding("latest", "*-snap-*")}
    right, wrong = ({}, filters) if not mode.endswith("EXCLUSION") else (filters, {})
    ask = {"repositoryName": repository, "imageTagMutability": mode}
    answer = ecr.put_image_tag_mutability(**ask, **right)
    answer.pop("ResponseMetadata")
    assert answer == {"registryId": settings.ACCOUNT, **ask, **right}
    shown = found(ecr, repository)
    assert shown["imageTagMutability"] == mode
    assert shown.get("imageTagMutabilityExclusionFilters") == right.get("imageTagMutabilityExclusionFilters")
    what = "can't be null" if right else "are not allowed"
    wanted = (
        "InvalidParameterException",
        "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
        f"'ImageTagMutabilityExclusionFilters {what} when imageTagMutability is set as {mode}'",
    )
    assert refused(ecr.put_image_tag_mutability, **ask, **wrong) == wanted
    ask["repositoryName"] = f"{repository}-new"
    assert refused(ecr.create_repository, **ask, **wrong) == wanted
    assert ecr.create_repository(**ask, **right)["repository"]["imageTagMutability"] == mode


@pytest.mark.operation("PutImageTagMutability", "CreateRepository")
@pytest.mark.parametrize("filters", [("a*b*c*",), tuple("abcdef"), ("v1/x",), ("x" * 129,)])
def test_invalid_filters_are_refused(ecr, repository, filters):
    ask = {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": excluding(*filters),
    }
    assert refused(ecr.put_image_tag_mutability, repositoryName=repository, **ask)[0] == "InvalidParameterException"
    assert refused(ecr.create_repository, repositoryName=f"{repository}-x", **ask)[0] == "InvalidParameterException"


@pytest.mark.operation("PutImageTagMutability", "PutImage")
def test_the_mode_and_the_filters_decide_which_tags_are_immutable(ecr, repository):
    upload(ecr, repository, b"{}")

    def moves(tag, mode, *filters):
        more = {"imageTagMutabilityExclusionFilters": excluding(*filters)} if filters else {}
        ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability=mode, **more)
        moves.count += 1
        try:
            image(ecr, repository, f"image {moves.count}", tag)
        except ecr.exceptions.ImageTagAlreadyExistsException:
            return False
        return True

    moves.count = 0
    for tag in ("latest", "latest-2", "v1", "dev", "1-snap"):
        assert moves(tag, "MUTABLE")
    assert not moves("latest", "IMMUTABLE")
    assert moves("latest", "IMMUTABLE_WITH_EXCLUSION", "latest")
    assert not moves("latest-2", "IMMUTABLE_WITH_EXCLUSION", "latest")
    assert not moves("v1", "MUTABLE_WITH_EXCLUSION", "v*")
    assert moves("dev", "MUTABLE_WITH_EXCLUSION", "v*")
    assert not moves("1-snap", "MUTABLE_WITH_EXCLUSION", "*-snap")
    assert moves("v1", "MUTABLE")


# --- policies ---------------------------------------------------------------------------------------------------------


def policy(**changed):
    return json.dumps({**POLICY, "Statement": [{**POLICY["Statement"][0], **changed}]})


@pytest.mark.operation("SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepositoryPolicy")
def test_a_repository_policy_is_set_returned_and_deleted(ecr, repository):
    ask = {"repositoryName": repository}
    for call in (ecr.get_repository_policy, ecr.delete_repository_policy):
        assert refused(call, **ask) == (
            "RepositoryPolicyNotFoundException",
            f"Repository policy does not exist for the repository with name '{repository}' "
            f"in the registry with id '{settings.ACCOUNT}'",
        )
    text = policy()
    assert ecr.set_repository_policy(**ask, policyText=text)["policyText"] == shown(text)
    assert ecr.get_repository_policy(**ask)["policyText"] == shown(text)
    assert ecr.delete_repository_policy(**ask)["policyText"] == shown(text)
    assert refused(ecr.get_repository_policy, **ask)[0] == "RepositoryPolicyNotFoundException"


INVALID = {
    "no JSON": "{",
    "deep": "[" * 10_000,
    "unknown action": policy(Action="ecr:EatImage"),
    "no action of that pattern": policy(Action=["ecr:Get*", "ecr:X*"]),
    "another service": policy(Action="s3:GetObject"),
    "no principal": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
    ),
    "bogus principal": policy(Principal={"Somebody": "x"}),
    "a group": policy(Principal={"AWS": f"arn:aws:iam::{settings.ACCOUNT}:group/developers"}),
    "no effect": policy(Effect="Perhaps"),
}


@pytest.mark.operation("SetRepositoryPolicy")
@pytest.mark.parametrize("text", [*INVALID.values(), policy(Resource="*")], ids=[*INVALID, "with a resource"])
def test_an_invalid_repository_policy_is_refused(ecr, repository, text):
    assert refused(ecr.set_repository_policy, repositoryName=repository, policyText=text) == (
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    )


@pytest.mark.operation("SetRepositoryPolicy")
def test_a_repository_policy_without_a_text_is_refused(sandbox, repository):
    """https://github.com/mulgadc/spinifex, spinifex/domains/ecr/awsapi/repositorypolicy_test.go"""
    status, answer = raw(sandbox, "SetRepositoryPolicy", json.dumps({"repositoryName": repository}).encode())
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert answer["message"] == "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Cannot be null'"


@pytest.mark.operation("PutRegistryPolicy")
@pytest.mark.parametrize("text", [*INVALID.values(), policy()], ids=[*INVALID, "without a resource"])
def test_an_invalid_registry_policy_is_refused(ecr, text):
    assert refused(ecr.put_registry_policy, policyText=text) == (
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
    )


@pytest.mark.operation("SetRepositoryPolicy", "PutRegistryPolicy")
def test_a_policy_for_a_principal_that_does_not_exist_is_refused(ecr, repository):
    nobody = {"AWS": f"arn:aws:iam::{settings.ACCOUNT}:user/nobody"}
    for call, parameters in (
        (ecr.set_repository_policy, {"repositoryName": repository, "policyText": policy(Principal=nobody)}),
        (ecr.put_registry_policy, {"policyText": policy(Principal=nobody, Resource=arn("*"))}),
    ):
        assert refused(call, **parameters) == (
            "InvalidParameterException",
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
        )


@pytest.mark.operation("SetRepositoryPolicy")
def test_two_statements_of_a_repository_policy_can_have_the_same_sid(ecr, repository):
    """https://github.com/getmoto/moto/pull/8933"""
    twice = json.dumps({**POLICY, "Statement": [{**POLICY["Statement"][0], "Sid": "pull"}] * 2})
    assert ecr.set_repository_policy(repositoryName=repository, policyText=twice)["policyText"] == shown(twice)


@pytest.mark.operation("PutRegistryPolicy", "GetRegistryPolicy", "DeleteRegistryPolicy", "DescribeRegistry")
def test_a_registry_and_its_policy_are_described(ecr):
    there_is_none = (
        "RegistryPolicyNotFoundException",
        f"Registry policy does not exist in the registry with id '{settings.ACCOUNT}'",
    )
    assert refused(ecr.get_registry_policy) == refused(ecr.delete_registry_policy) == there_is_none
    text = policy(Action=["ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:*"], Resource=arn("*"))
    try:
        assert ecr.put_registry_policy(policyText=text)["registryId"] == settings.ACCOUNT
        assert ecr.get_registry_policy()["policyText"] == shown(text)
    finally:
        assert ecr.delete_registry_policy()["policyText"] == shown(text)
    answer = ecr.describe_registry()
    assert (answer["registryId"], answer["replicationConfiguration"]) == (settings.ACCOUNT, {"rules": []})


# --- settings that are stored and have no effect (docs/fidelity.md) ---------------------------------------------------


@pytest.mark.operation(
    "PutImageScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "GetRegistryScanningConfiguration",
    "BatchGetRepositoryScanningConfiguration",
)
def test_the_scanning_configuration_is_stored(ecr, repository):
    def scanning(name=repository):
        answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=[name])
        return answer["scanningConfigurations"], answer["failures"]

    [config], _ = scanning()
    assert (config["scanOnPush"], config["scanFrequency"], config["appliedScanFilters"]) == (False, "MANUAL", [])
    ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
    assert found(ecr, repository)["imageScanningConfiguration"] == {"scanOnPush": True}
    [config], _ = scanning()
    assert (config["scanOnPush"], config["scanFrequency"]) == (True, "SCAN_ON_PUSH")
    # API reference, ImageScanningConfiguration: "If this parameter is not specified, it will default to false"
    answer = ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={})
    assert answer["imageScanningConfiguration"] == {"scanOnPush": False}
    assert found(ecr, repository)["imageScanningConfiguration"] == {"scanOnPush": False}
    pattern = {"filter": f"{repository[:-1]}*", "filterType": "WILDCARD"}
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [pattern]}]
    try:
        ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)
        assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {
            "scanType": "BASIC",
            "rules": rules,
        }
        [config], _ = scanning()
        assert (config["scanOnPush"], config["scanFrequency"]) == (False, "SCAN_ON_PUSH")
        assert config["appliedScanFilters"] == [pattern]
    finally:
        answer = ecr.put_registry_scanning_configuration()  # moto alone returns HTTP 500
    assert answer["registryScanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    [config], _ = scanning()
    assert (config["scanOnPush"], config["scanFrequency"]) == (False, "MANUAL")
    [failure] = scanning("no-such-repository")[1]
    assert failure["failureCode"] == "REPOSITORY_NOT_FOUND"


# --- the registry -----------------------------------------------------------------------------------------------------


@pytest.mark.operation("GetAuthorizationToken")
def test_a_token_belongs_to_the_caller_and_is_valid_for_twelve_hours(sandbox, ecr, person):
    def token(client, **more):
        [data] = client.get_authorization_token(**more)["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        assert user == "AWS"
        return password, data

    mine, data = token(ecr)
    assert mine != token(person.client())[0]
    assert data["proxyEndpoint"] == sandbox.url
    assert abs(data["expiresAt"].timestamp() - time.time() - 12 * 3600) < 60
    assert token(ecr, registryIds=[settings.ACCOUNT])[1]["proxyEndpoint"] == sandbox.url
    assert refused(ecr.get_authorization_token, registryIds=[OTHER] * 11)[0] == "InvalidParameterException"


@pytest.mark.operation("GetAccountSetting", "PutAccountSetting")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("BASIC_SCAN_TYPE_VERSION", ["AWS_NATIVE"]),
        ("BLOB_MOUNTING", ["DISABLED", "ENABLED"]),
        ("REGISTRY_POLICY_SCOPE", ["V2"]),
    ],
)
def test_account_settings_accept_only_their_values(ecr, name, values):
    for value in values:
        assert ecr.put_account_setting(name=name, value=value)["value"] == value
        assert ecr.get_account_setting(name=name)["value"] == value
    for wrong in ("CLAIR", "V1", "enabled", ""):
        assert refused(ecr.put_account_setting, name=name, value=wrong)[0] == "InvalidParameterException"
    assert ecr.get_account_setting(name=name)["value"] == values[-1]


@pytest.mark.operation("GetAccountSetting", "PutAccountSetting")
def test_other_account_settings_are_refused(ecr):
    assert refused(ecr.get_account_setting, name="MINE")[0] == "InvalidParameterException"
    code, message = refused(ecr.put_account_setting, name="MINE", value="ENABLED")
    assert code == "InvalidParameterException"
    assert (
        "'Member must satisfy enum value set: [BASIC_SCAN_TYPE_VERSION, BLOB_MOUNTING, REGISTRY_POLICY_SCOPE]'"
        in message
    )
