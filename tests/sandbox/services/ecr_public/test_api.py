"""ECR Public's API, as boto3 and the AWS CLI see it."""

import json
import signal
import uuid
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecr_public.repositories import alias_of
from ecr_sandbox.services.repository_policies import shown
from helpers import settings
from tests.sandbox import api
from tests.sandbox.conftest import Sandbox

ALIAS = alias_of(settings.ACCOUNT)
OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})


@pytest.fixture
def public(sandbox: Sandbox):
    return sandbox.client("ecr-public")


@pytest.fixture
def name(public) -> Iterator[str]:
    """The name of a new, empty public repository."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    public.create_repository(repositoryName=name)
    yield name
    public.delete_repository(repositoryName=name, force=True)


def error_of(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """Code and message of an error."""
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def public_host(sandbox: Sandbox) -> str:
    return json.loads(sandbox.http("GET", "/_sandbox")[2])["public"].removeprefix("http://")


def put_image(public, name: str, tag: str, text: str) -> dict:
    """Put an image without layers. Its only blob must exist already."""
    return public.put_image(repositoryName=name, imageManifest=text, imageTag=tag)["image"]


def index(*digests: str) -> str:
    """An image index, which needs no blobs of its own."""
    return json.dumps(api.index(*digests))


# --- repositories -----------------------------------------------------------------------------------------------------


def test_a_repository_is_described_with_an_address_that_works_here(sandbox: Sandbox, public, name: str) -> None:
    [found] = public.describe_repositories(repositoryNames=[name])["repositories"]
    assert found["repositoryArn"] == f"arn:aws:ecr-public::{settings.ACCOUNT}:repository/{name}"
    assert found["registryId"] == settings.ACCOUNT
    assert found["repositoryUri"] == f"{public_host(sandbox)}/{ALIAS}/{name}"
    assert found["createdAt"].year > 2000


def test_a_name_is_unique(public, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        public.create_repository(repositoryName=name)
    assert error_of(refused) == (
        "RepositoryAlreadyExistsException",
        f"The repository with name '{name}' already exists in the registry with id '{settings.ACCOUNT}'",
    )


def test_public_and_private_repositories_are_separate(sandbox: Sandbox, public, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("ecr").describe_repositories(repositoryNames=[name])
    assert error_of(refused)[0] == "RepositoryNotFoundException"


def test_accounts_are_separate(sandbox: Sandbox, name: str) -> None:
    other = sandbox.client("ecr-public", key=OTHER)
    assert other.describe_repositories()["repositories"] == []
    with pytest.raises(ClientError) as refused:
        other.describe_repositories(registryId=settings.ACCOUNT, repositoryNames=[name])
    assert error_of(refused)[0] in ("RegistryNotFoundException", "AccessDeniedException")


def test_a_long_list_is_returned_in_pages(public) -> None:
    names = [f"page-{uuid.uuid4().hex[:4]}/{number}x" for number in range(5)]
    for each in names:
        public.create_repository(repositoryName=each)
    pages = list(public.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
    listed = [each["repositoryName"] for page in pages for each in page["repositories"]]
    assert all(len(page["repositories"]) <= 2 for page in pages)
    assert set(names) <= set(listed)
    assert listed == sorted(set(listed))
    for each in names:
        public.delete_repository(repositoryName=each)


def test_a_repository_with_images_is_deleted_only_with_force(public, name: str) -> None:
    put_image(public, name, "all", index())
    with pytest.raises(ClientError) as refused:
        public.delete_repository(repositoryName=name)
    assert error_of(refused) == (
        "RepositoryNotEmptyException",
        f"The repository with name '{name}' in registry with id '{settings.ACCOUNT}' "
        "cannot be deleted because it still contains images",
    )
    public.delete_repository(repositoryName=name, force=True)
    with pytest.raises(ClientError) as refused:
        public.describe_repositories(repositoryNames=[name])
    assert error_of(refused) == (
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{settings.ACCOUNT}'",
    )
    public.create_repository(repositoryName=name)
    assert public.describe_images(repositoryName=name)["imageDetails"] == []


@pytest.mark.parametrize("bad", ["Upper/Case", "a" * 206, "a//b"])
def test_a_name_that_the_model_forbids_is_refused(public, bad: str) -> None:
    with pytest.raises(ClientError) as refused:
        public.create_repository(repositoryName=bad)
    code, message = error_of(refused)
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: '")


# --- the catalog ------------------------------------------------------------------------------------------------------


def test_catalog_data_is_set_and_returned(public) -> None:
    name = f"shown-{uuid.uuid4().hex[:8]}"
    about = {"description": "A demo", "architectures": ["x86-64"], "operatingSystems": ["Linux"], "aboutText": "# Hi"}
    made = public.create_repository(repositoryName=name, catalogData=about)
    assert made["catalogData"] == {**about, "marketplaceCertified": False}
    assert public.get_repository_catalog_data(repositoryName=name)["catalogData"] == made["catalogData"]
    public.put_repository_catalog_data(repositoryName=name, catalogData={"usageText": "docker pull"})
    after = public.get_repository_catalog_data(repositoryName=name)["catalogData"]
    assert after == {"usageText": "docker pull", "marketplaceCertified": False}


def test_a_new_repository_has_no_catalog_data(public, name: str) -> None:
    """Terraform reads it for every repository."""
    assert public.get_repository_catalog_data(repositoryName=name)["catalogData"] == {}


def test_a_logo_is_not_supported(public, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        public.put_repository_catalog_data(repositoryName=name, catalogData={"logoImageBlob": b"\x89PNG"})
    assert error_of(refused)[1] == "A repository's logo is not part of this sandbox. It works on AWS."


def test_the_registry_has_an_alias_and_may_have_a_name(public, name: str) -> None:
    [registry] = public.describe_registries()["registries"]
    assert registry["registryId"] == settings.ACCOUNT
    [alias] = registry["aliases"]
    assert alias == {"name": ALIAS, "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
    public.put_registry_catalog_data(displayName="Team Demo")
    assert public.get_registry_catalog_data()["registryCatalogData"] == {"displayName": "Team Demo"}


def test_the_first_repository_creates_the_alias(sandbox: Sandbox) -> None:
    other = sandbox.client("ecr-public", key=OTHER)
    assert other.describe_registries()["registries"][0]["aliases"] == []
    other.create_repository(repositoryName="first")
    [alias] = other.describe_registries()["registries"][0]["aliases"]
    assert alias["name"] == alias_of(settings.OTHER_ACCOUNT) != ALIAS
    other.delete_repository(repositoryName="first")


# --- policies and tags ------------------------------------------------------------------------------------------------


def test_a_repository_policy_is_set_returned_and_deleted(public, name: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{settings.OTHER_ACCOUNT}:root"},
        "Action": "ecr-public:PutImage",
        "Resource": "*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)
    assert public.set_repository_policy(repositoryName=name, policyText=text)["policyText"] == shown(text)
    assert public.get_repository_policy(repositoryName=name)["policyText"] == shown(text)
    assert public.delete_repository_policy(repositoryName=name)["policyText"] == shown(text)
    with pytest.raises(ClientError) as refused:
        public.get_repository_policy(repositoryName=name)
    assert error_of(refused) == (
        "RepositoryPolicyNotFoundException",
        f"Repository policy does not exist for the repository with name '{name}' "
        f"in the registry with id '{settings.ACCOUNT}'",
    )


@pytest.mark.parametrize("text", ["", "no policy", '{"Version": "2012-10-17"}', '{"Statement": [{"Effect": "Allow"}]}'])
def test_an_invalid_policy_is_refused(public, name: str, text: str) -> None:
    with pytest.raises(ClientError) as refused:
        public.set_repository_policy(repositoryName=name, policyText=text)
    assert error_of(refused) == (
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    )


def test_tags_are_added_and_removed(public) -> None:
    name = f"tagged-{uuid.uuid4().hex[:8]}"
    made = public.create_repository(repositoryName=name, tags=[{"Key": "team", "Value": "a"}])["repository"]
    arn = made["repositoryArn"]
    public.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": "1"}])
    tags = public.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "b", "cost": "1"}
    public.untag_resource(resourceArn=arn, tagKeys=["cost"])
    assert public.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "team", "Value": "b"}]
    with pytest.raises(ClientError) as refused:
        public.tag_resource(resourceArn=arn, tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    assert error_of(refused)[0] == "TooManyTagsException"
    with pytest.raises(ClientError) as refused:
        public.list_tags_for_resource(resourceArn="arn:aws:ecr:us-east-1:123456789012:repository/x")
    assert error_of(refused)[0] == "InvalidParameterException"


# --- images -----------------------------------------------------------------------------------------------------------


def test_images_are_described_by_tag_and_digest(public, name: str) -> None:
    one, two = put_image(public, name, "one", index()), put_image(public, name, "two", index() + " ")
    details = public.describe_images(repositoryName=name)["imageDetails"]
    assert [(each["imageDigest"], each["imageTags"]) for each in details] == [
        (one["imageId"]["imageDigest"], ["one"]),
        (two["imageId"]["imageDigest"], ["two"]),
    ]
    [detail] = public.describe_images(repositoryName=name, imageIds=[{"imageTag": "two"}])["imageDetails"]
    assert detail["imageManifestMediaType"] == "application/vnd.oci.image.index.v1+json"
    tags = public.describe_image_tags(repositoryName=name)["imageTagDetails"]
    assert [(each["imageTag"], each["imageDetail"]["imageDigest"]) for each in tags] == [
        ("one", one["imageId"]["imageDigest"]),
        ("two", two["imageId"]["imageDigest"]),
    ]
    with pytest.raises(ClientError) as refused:
        public.describe_images(repositoryName=name, imageIds=[{"imageTag": "three"}])
    assert error_of(refused) == (
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'three'} does not exist within the repository "
        f"with name '{name}' in the registry with id '{settings.ACCOUNT}'",
    )


def test_a_tag_can_be_moved_and_the_image_stays(public, name: str) -> None:
    first = put_image(public, name, "latest", index())["imageId"]["imageDigest"]
    second = put_image(public, name, "latest", index() + " ")["imageId"]["imageDigest"]
    details = public.describe_images(repositoryName=name)["imageDetails"]
    assert {each["imageDigest"]: each.get("imageTags") for each in details} == {first: None, second: ["latest"]}


def test_an_image_without_its_layers_is_refused(public, name: str) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{'0' * 64}", "size": 1}
    text = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": blob, "layers": [blob]})
    with pytest.raises(ClientError) as refused:
        put_image(public, name, "1", text)
    assert error_of(refused)[0] == "LayersNotFoundException"
    availability = public.batch_check_layer_availability(repositoryName=name, layerDigests=[blob["digest"]])
    assert [each["layerAvailability"] for each in availability["layers"]] == ["UNAVAILABLE"]


def test_a_deletion_returns_deleted_and_missing_images(public, name: str) -> None:
    child = put_image(public, name, "child", index())["imageId"]["imageDigest"]
    put_image(public, name, "parent", index(child))
    answer = public.batch_delete_image(
        repositoryName=name,
        imageIds=[{"imageDigest": child}, {"imageTag": "none"}, {"imageDigest": child, "imageTag": "parent"}, {}],
    )
    assert answer["imageIds"] == []
    assert [each["failureCode"] for each in answer["failures"]] == [
        "ImageReferencedByManifestList",
        "ImageNotFound",
        "ImageTagDoesNotMatchDigest",
        "MissingDigestAndTag",
    ]
    answer = public.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "parent"}])
    assert [each["imageTag"] for each in answer["imageIds"]] == ["parent"]
    public.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": child}])
    assert public.describe_images(repositoryName=name)["imageDetails"] == []


# --- Regions and permissions ------------------------------------------------------------------------------------------


def test_the_second_region_supports_no_operation(sandbox: Sandbox) -> None:
    line = sandbox.refused("aws ecr-public get-login-password --region us-west-2")
    assert (
        "An error occurred (UnsupportedCommandException) when calling the GetAuthorizationToken operation: "
        "GetAuthorizationToken command is only supported in us-east-1." in line
    )


def test_ecr_public_does_not_exist_in_other_regions(sandbox: Sandbox) -> None:
    line = sandbox.refused("aws ecr-public describe-repositories --region eu-west-1")
    assert "(InvalidSignatureException)" in line
    assert "Credential should be scoped to a valid region." in line


def test_layers_cannot_be_uploaded_with_the_api(public, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        public.initiate_layer_upload(repositoryName=name)
    message = "ecr-public:InitiateLayerUpload is not part of this sandbox. It works on AWS."
    assert error_of(refused) == ("UnsupportedOperationException", message)


def test_a_user_can_do_what_the_policy_allows(sandbox: Sandbox, name: str) -> None:
    arn = f"arn:aws:ecr-public::{settings.ACCOUNT}:repository/{name}"
    statement = {"Effect": "Allow", "Action": "ecr-public:DescribeImages", "Resource": arn}
    user, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [statement]})
    client = sandbox.client("ecr-public", key=key)
    assert client.describe_images(repositoryName=name)["imageDetails"] == []
    with pytest.raises(ClientError) as refused:
        client.delete_repository(repositoryName=name)
    assert error_of(refused) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{settings.ACCOUNT}:user/{user} is not authorized to perform: "
        f"ecr-public:DeleteRepository on resource: {arn} because no identity-based policy allows the "
        "ecr-public:DeleteRepository action",
    )


def test_the_repository_policy_and_tags_are_evaluated(sandbox: Sandbox, public, name: str) -> None:
    user, key = sandbox.make_user()
    client = sandbox.client("ecr-public", key=key)
    arn = f"arn:aws:ecr-public::{settings.ACCOUNT}:repository/{name}"
    principal = {"AWS": f"arn:aws:iam::{settings.ACCOUNT}:user/{user}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr-public:DescribeImages", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    public.set_repository_policy(repositoryName=name, policyText=text)
    assert client.describe_images(repositoryName=name)["imageDetails"] == []
    condition = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    deny = {"Effect": "Deny", "Action": "ecr-public:*", "Resource": "*", "Condition": condition}
    text = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sandbox.client("iam").put_user_policy(UserName=user, PolicyName="not-red", PolicyDocument=text)
    assert client.describe_images(repositoryName=name)["imageDetails"] == []
    public.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "red"}])
    with pytest.raises(ClientError) as refused:
        client.describe_images(repositoryName=name)
    assert error_of(refused)[1].endswith("with an explicit deny in an identity-based policy")


def test_the_password_needs_two_permissions(sandbox: Sandbox) -> None:
    statement = {"Effect": "Allow", "Action": "ecr-public:*", "Resource": "*"}
    user, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [statement]})
    client = sandbox.client("ecr-public", key=key)
    with pytest.raises(ClientError) as refused:
        client.get_authorization_token()
    assert "is not authorized to perform: sts:GetServiceBearerToken on resource: *" in error_of(refused)[1]
    policy = "arn:aws:iam::aws:policy/AmazonElasticContainerRegistryPublicFullAccess"
    sandbox.client("iam").attach_user_policy(UserName=user, PolicyArn=policy)
    data = client.get_authorization_token()["authorizationData"]
    assert set(data) == {"authorizationToken", "expiresAt"}


def test_a_repository_survives_a_kill(own_sandbox: Sandbox) -> None:
    public = own_sandbox.start().client("ecr-public")
    made = public.create_repository(repositoryName="kept", catalogData={"description": "A demo"})["repository"]
    image = put_image(public, "kept", "1", index())
    own_sandbox.stop(signal.SIGKILL)
    public = own_sandbox.start().client("ecr-public")
    assert public.describe_repositories()["repositories"] == [made]
    assert public.get_repository_catalog_data(repositoryName="kept")["catalogData"]["description"] == "A demo"
    [detail] = public.describe_images(repositoryName="kept")["imageDetails"]
    assert detail["imageDigest"] == image["imageId"]["imageDigest"]


def test_an_id_that_no_image_can_have_is_refused(public, name: str) -> None:
    """As ECR: see services/ecr/test_images_api.py."""
    for call in (
        lambda: public.describe_images(repositoryName=name, imageIds=[{"imageTag": "1.0+x"}]),
        lambda: put_image(public, name, "1.0+x", index()),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert error_of(refused)[0] == "InvalidParameterException"
        assert "'imageTag' failed to satisfy constraint: 'must satisfy regular" in error_of(refused)[1]
    answer = public.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "1.0+x"}])
    assert [each["failureCode"] for each in answer["failures"]] == ["InvalidImageTag"]
