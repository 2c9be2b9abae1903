"""Pull through cache: images of Docker Hub, ECR Public or another private registry, pulled by a rule's prefix."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecr.pull_through.rules import chosen, is_due, upstream_name
from ecr_sandbox.services.ecr.pull_through.upstreams import kind_of
from helpers import settings
from tests.sandbox.api import image as api_image
from tests.sandbox.api import index, put, upload
from tests.sandbox.iam.permissions import allow, policy
from tests.sandbox.services.docker_hub.test_with_docker import PASSWORD, Hub, the_hub  # noqa: F401
from tests.sandbox.services.ecr_public.test_registry import front_of, login, new_repository

DAY = 24 * 60 * 60
HUB, PUBLIC = "registry-1.docker.io", "public.ecr.aws"
IMPORT = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
PULL = ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
MISSING_SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/nobody-AbCdEf"


# Rules


@pytest.mark.parametrize(
    ("prefix", "upstream", "name", "called"),
    [
        ("docker-hub", None, "docker-hub/library/python", "library/python"),
        ("docker-hub/", "ROOT", "docker-hub/ann/app", "ann/app"),
        ("ROOT", "ROOT", "library/python", "library/python"),
        ("prod", "team", "prod/app", "team/app"),
        ("ROOT", "team/", "app", "team/app"),
    ],
)
def test_the_upstream_repository_name(prefix, upstream, name, called):
    assert upstream_name({"ecrRepositoryPrefix": prefix, "upstreamRepositoryPrefix": upstream}, name) == called


def test_the_rule_with_the_longest_prefix_applies():
    rules = [{"ecrRepositoryPrefix": prefix} for prefix in ("ROOT", "a", "a/b/")]
    found = {name: (chosen(rules, name) or {}).get("ecrRepositoryPrefix") for name in ("a/b/c", "a/c", "ab/c", "a")}
    assert found == {"a/b/c": "a/b/", "a/c": "a", "ab/c": "ROOT", "a": "ROOT"}
    assert chosen(rules[1:], "ab/c") is None


@pytest.mark.parametrize(("last", "now", "due"), [(None, DAY, False), (0, DAY - 1, False), (0, DAY, True)])
def test_upstream_is_checked_once_a_day(last, now, due):
    assert is_due(last, now) is due


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (HUB, "docker-hub"),
        (PUBLIC, "ecr-public"),
        ("quay.io", "quay"),
        ("registry.k8s.io", "k8s"),
        ("ghcr.io", "github-container-registry"),
        ("registry.gitlab.com", "gitlab-container-registry"),
        ("mine.azurecr.io", "azure-container-registry"),
        ("cgr.dev", "chainguard"),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com", "ecr"),
        ("docker.io", None),
        ("evil.example/registry-1.docker.io", None),
    ],
)
def test_the_registry_type_of_an_upstream_url(url, kind):
    assert kind_of(url) == kind


# Docker Hub


def secret(sandbox, user, password=PASSWORD):
    made = sandbox.client("secretsmanager").create_secret(
        Name=f"ecr-pullthroughcache/{uuid.uuid4().hex}",
        SecretString=json.dumps({"username": user, "accessToken": password}),
    )
    return made["ARN"]


@pytest.fixture
def rule(sandbox):
    """Creates rules with a new prefix each, and deletes them afterwards."""
    made = []

    def make(url=HUB, region=settings.REGION, **more):
        prefix = f"cache-{uuid.uuid4().hex[:8]}"
        sandbox.client(region=region).create_pull_through_cache_rule(
            ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url, **more
        )
        made.append((prefix, region))
        return prefix

    yield make
    for prefix, region in made:
        sandbox.client(region=region).delete_pull_through_cache_rule(ecrRepositoryPrefix=prefix)


@pytest.fixture
def on_the_hub(sandbox, the_hub, make_image):  # noqa: F811
    """Pushes an image to a repository of a new Docker Hub account. Returns the account and a function to push again."""
    user = the_hub.sign_up()
    the_hub.login(user)

    def push(content=None):
        name = make_image(f"{the_hub.host}/{user}/app:1", content)
        sandbox.run(f"docker push {name} && docker rmi {name}")

    push()
    return user, push


def digest(sandbox, repository, tag="1"):
    [detail] = sandbox.client().describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    return detail["imageDigest"]


@pytest.mark.operation("CreatePullThroughCacheRule", "DescribeImages", "BatchGetImage")
def test_docker_pulls_an_image_from_docker_hub_through_the_cache(sandbox, rule, on_the_hub):
    user, push = on_the_hub
    prefix = rule(credentialArn=secret(sandbox, user))
    name = f"{sandbox.registry}/{prefix}/{user}/app:1"
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    repository = f"{prefix}/{user}/app"
    first = digest(sandbox, repository)
    [made] = sandbox.client().describe_repositories(repositoryNames=[repository])["repositories"]
    assert made["imageTagMutability"] == "MUTABLE"

    push()  # another image under the same tag
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    assert digest(sandbox, repository) == first  # upstream was checked less than a day ago
    sandbox.forward(DAY)
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    assert digest(sandbox, repository) != first
    by_digest = f"{sandbox.registry}/{repository}@{first}"
    sandbox.run(f"docker pull {by_digest} && docker rmi {by_digest}")


def test_a_pushed_image_is_not_replaced_by_an_upstream_image_of_the_same_name(sandbox, rule, on_the_hub):
    user, _ = on_the_hub
    ecr, repository = sandbox.client(), f"{rule(credentialArn=secret(sandbox, user))}/{user}/app"
    ecr.create_repository(repositoryName=repository)
    upload(ecr, repository, b"{}")
    mine = api_image(ecr, repository, "mine", "1")
    sandbox.forward(DAY)
    [got] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1"}])["images"]
    assert got["imageId"]["imageDigest"] == mine


def test_a_cached_image_is_served_when_docker_hub_refuses(sandbox, rule, on_the_hub, the_hub):  # noqa: F811
    user, _ = on_the_hub
    prefix = rule(credentialArn=secret(sandbox, user))
    name = f"{sandbox.registry}/{prefix}/{user}/app"
    sandbox.run(f"docker pull {name}:1 && docker rmi {name}:1")
    the_hub.call("PUT", "/sandbox/pull-limit", anonymous=0, personal=0)
    sandbox.forward(DAY)
    sandbox.run(f"docker pull {name}:1 && docker rmi {name}:1")
    output = sandbox.refused(f"docker pull {name}:2")
    assert "toomanyrequests" in output.lower() or "pull rate limit" in output
    [failure] = sandbox.client().batch_get_image(repositoryName=f"{prefix}/{user}/app", imageIds=[{"imageTag": "2"}])[
        "failures"
    ]
    assert failure["failureCode"] == "UpstreamTooManyRequests"


@pytest.mark.operation("ValidatePullThroughCacheRule", "UpdatePullThroughCacheRule", "BatchGetImage")
def test_a_wrong_password_is_an_error_and_can_be_fixed(sandbox, rule, on_the_hub):
    user, _ = on_the_hub
    ecr, prefix = sandbox.client(), rule(credentialArn=secret(sandbox, user, "wrong"))
    name = f"{sandbox.registry}/{prefix}/{user}/app:1"
    wrong = "The authentication to the upstream registry failed"
    assert wrong in sandbox.refused(f"docker pull {name}")
    verdict = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    assert (verdict["isValid"], wrong in verdict["failure"]) == (False, True)
    ecr.create_repository(repositoryName=f"{prefix}/{user}/app")
    [failure] = ecr.batch_get_image(repositoryName=f"{prefix}/{user}/app", imageIds=[{"imageTag": "1"}])["failures"]
    assert failure["failureCode"] == "UpstreamAccessDenied"

    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=secret(sandbox, user))
    verdict = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    assert (verdict["isValid"], verdict.get("failure")) == (True, None)
    [found] = ecr.batch_get_image(repositoryName=f"{prefix}/{user}/app", imageIds=[{"imageTag": "1"}])["images"]
    assert found["imageId"]["imageTag"] == "1"


def test_a_pull_needs_permission_to_import_and_to_create(sandbox, rule, on_the_hub, person):
    """The messages are from AWS's page "Troubleshooting pull through cache issues"."""
    user, _ = on_the_hub
    prefix = rule(credentialArn=secret(sandbox, user))
    repository = f"{prefix}/{user}/app"
    name = f"{sandbox.registry}/{repository}:1"
    person.login(sandbox.registry)
    person.may(allow(list(PULL)))
    assert f"The repository with name '{repository}' does not exist" in person.refused(f"docker pull {name}")
    person.may(allow([*PULL, "ecr:BatchImportUpstreamImage"]))
    assert f"The repository with name '{repository}' does not exist" in person.refused(f"docker pull {name}")
    sandbox.client().create_repository(repositoryName=repository)
    person.may(allow(list(PULL)))
    assert "not found" in person.refused(f"docker pull {name}")
    person.may(allow([*PULL, "ecr:BatchImportUpstreamImage"]))
    person.run(f"docker pull {name} && docker rmi {name}")


def test_a_registry_policy_can_allow_the_import(sandbox, rule, on_the_hub, person):
    user, _ = on_the_hub
    prefix = rule(credentialArn=secret(sandbox, user))
    person.login(sandbox.registry)
    person.may(allow(list(PULL)))
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": person.arn},
        "Action": list(IMPORT),
        "Resource": f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{prefix}/*",
    }
    sandbox.client().put_registry_policy(policyText=json.dumps(policy(statement)))
    name = f"{sandbox.registry}/{prefix}/{user}/app:1"
    person.run(f"docker pull {name} && docker rmi {name}")
    sandbox.client().delete_registry_policy()


@pytest.mark.operation("CreateRepositoryCreationTemplate")
def test_a_creation_template_sets_the_repository_settings(sandbox, rule, on_the_hub):
    user, _ = on_the_hub
    ecr, prefix = sandbox.client(), rule(credentialArn=secret(sandbox, user))
    ecr.create_repository_creation_template(
        prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
    )
    name = f"{sandbox.registry}/{prefix}/{user}/app:1"
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    [made] = ecr.describe_repositories(repositoryNames=[f"{prefix}/{user}/app"])["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"


# ECR Public, another private registry, and unsupported registries


def test_an_image_of_ecr_public_needs_no_secret(sandbox, rule, make_image):
    uri = new_repository(sandbox)
    login(sandbox)
    pushed = make_image(f"{uri}:1")
    sandbox.run(f"docker push {pushed} && docker rmi {pushed} && docker logout {front_of(sandbox).registry}")
    prefix = rule(PUBLIC)
    name = f"{sandbox.registry}/{prefix}/{uri.partition('/')[2]}:1"
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    assert sandbox.client().validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)["isValid"] is True
    assert "not found" in sandbox.refused(f"docker pull {name.removesuffix(':1')}:none")


def test_an_index_from_another_region_is_cached_with_its_images(sandbox, rule, repository):
    there, ecr = sandbox.client(region="eu-west-1"), sandbox.client()
    there.create_repository(repositoryName=repository)
    upload(there, repository, b"{}")
    children = [api_image(there, repository, name) for name in "ab"]
    wanted = put(there, repository, index(*children), "all")
    prefix = rule(f"{settings.ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", upstreamRegistry="ecr")
    [got] = ecr.batch_get_image(repositoryName=f"{prefix}/{repository}", imageIds=[{"imageTag": "all"}])["images"]
    assert got["imageId"]["imageDigest"] == wanted
    found = ecr.list_images(repositoryName=f"{prefix}/{repository}")["imageIds"]
    assert {each["imageDigest"] for each in found} == {wanted, *children}
    impossible = ecr.batch_get_image(repositoryName=f"{prefix}/{repository}", imageIds=[{"imageTag": "1.0+x"}])
    assert [each["failureCode"] for each in impossible["failures"]] == ["InvalidImageTag"]  # not the upstream's answer
    path = f"/v2/{prefix}/{repository}/manifests/1.0+x"
    assert sandbox.http("HEAD", path, Authorization=sandbox.basic())[0] == 400


def test_another_accounts_registry_must_allow_the_role(sandbox, rule, repository):
    other = sandbox.client(key=(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY))
    other.create_repository(repositoryName=repository)
    upload(other, repository, b"{}")
    api_image(other, repository, "app", "v1")
    iam, name = sandbox.client("iam"), f"cache-{repository}"
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "pullthroughcache.ecr.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trusted)))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=json.dumps(policy(allow("ecr:*"))))
    prefix = rule(f"{settings.OTHER_ACCOUNT}.dkr.ecr.{settings.REGION}.amazonaws.com", customRoleArn=role)
    pull = f"docker pull {sandbox.registry}/{prefix}/{repository}:v1"
    assert "authentication to the upstream registry failed" in sandbox.refused(pull)
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    may = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": actions}
    other.set_repository_policy(repositoryName=repository, policyText=json.dumps(policy(may)))
    parameters = {"repositoryName": f"{prefix}/{repository}", "imageIds": [{"imageTag": "v1"}]}
    assert sandbox.client().batch_get_image(**parameters)["images"]


@pytest.mark.operation("CreatePullThroughCacheRule", "ValidatePullThroughCacheRule")
def test_an_unsupported_registry_is_an_error(sandbox, rule):
    prefix = rule("quay.io")
    message = "The registry quay.io is not part of this sandbox. It works on AWS."
    assert message in sandbox.refused(f"docker pull {sandbox.registry}/{prefix}/coreos/etcd:v3")
    assert sandbox.client().validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)["failure"] == message


# The operations


@pytest.mark.operation(
    "CreatePullThroughCacheRule",
    "DescribePullThroughCacheRules",
    "UpdatePullThroughCacheRule",
    "DeletePullThroughCacheRule",
)
def test_rules_are_created_listed_changed_and_deleted(sandbox):
    ecr = sandbox.client(region="eu-west-3")
    given = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRepositoryPrefix": "team"}
    assert given.items() <= ecr.create_pull_through_cache_rule(**given).items()
    hub = {"upstreamRegistryUrl": HUB, "credentialArn": secret_there(sandbox, "first")}
    for prefix, more in (("hub", hub), ("public", {"upstreamRegistryUrl": PUBLIC})):
        made = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, **more)
        assert more.items() <= made.items()
        assert "upstreamRepositoryPrefix" not in made  # Terraform would replace the rule
    first = ecr.describe_pull_through_cache_rules(maxResults=2)
    rest = ecr.describe_pull_through_cache_rules(maxResults=2, nextToken=first["nextToken"])
    found = first["pullThroughCacheRules"] + rest["pullThroughCacheRules"]
    assert [each["ecrRepositoryPrefix"] for each in found] == ["hub", "public", "quay"]
    assert [each["upstreamRegistry"] for each in found] == ["docker-hub", "ecr-public", "quay"]
    assert [each.get("upstreamRepositoryPrefix") for each in found] == [None, None, "team"]
    [one] = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"])["pullThroughCacheRules"]
    assert (one["registryId"], one["createdAt"]) == (settings.ACCOUNT, one["updatedAt"])
    second = secret_there(sandbox, "second")
    for prefix, arn, code in (
        ("hub", secret(sandbox, "user"), "SecretNotFoundException"),  # of another Region
        ("quay", second, "UnsupportedUpstreamRegistryException"),
    ):
        with pytest.raises(ClientError, match=code):
            ecr.update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=arn)
    changed = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=second)
    assert changed["updatedAt"] >= one["updatedAt"]
    assert ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")["credentialArn"] == second
    for call in (
        ecr.delete_pull_through_cache_rule,
        ecr.update_pull_through_cache_rule,
        ecr.validate_pull_through_cache_rule,
    ):
        with pytest.raises(ClientError, match="PullThroughCacheRuleNotFoundException"):
            call(ecrRepositoryPrefix="hub")
    with pytest.raises(ClientError, match="PullThroughCacheRuleNotFoundException"):
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"])


def secret_there(sandbox, name, region="eu-west-3"):
    text = json.dumps({"username": "u", "accessToken": "p"})
    client = sandbox.client("secretsmanager", region=region)
    return client.create_secret(Name=f"ecr-pullthroughcache/{name}", SecretString=text)["ARN"]


@pytest.mark.operation("CreatePullThroughCacheRule")
def test_invalid_rules_are_refused(sandbox):
    ecr = sandbox.client(region="eu-north-1")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="public", upstreamRegistryUrl=PUBLIC)
    unreadable = sandbox.client("secretsmanager", region="eu-north-1").create_secret(
        Name="ecr-pullthroughcache/text", SecretString="my password"
    )["ARN"]
    elsewhere, here = secret(sandbox, "user"), secret_there(sandbox, "readable", "eu-north-1")
    not_found = "The ARN of the secret specified in the pull through cache rule was not found."
    mismatch = "Invalid input: Upstream registry URL and {} do not match. Please verify input and try again."
    credential_type = mismatch.format("provided credential type")
    private, role = "dkr.ecr.eu-north-1.amazonaws.com", f"arn:aws:iam::{settings.ACCOUNT}:role/cache"
    unsupported = "UnsupportedUpstreamRegistryException"
    for more, code, message in [
        ({"ecrRepositoryPrefix": "public"}, "PullThroughCacheRuleAlreadyExistsException", ""),
        ({"ecrRepositoryPrefix": "Upper"}, "InvalidParameterException", ""),
        (
            {"upstreamRegistryUrl": "registry.example"},
            unsupported,
            "The upstream registry URL registry.example is invalid. "
            "Specify a valid upstream registry URL and try again",
        ),
        (
            {"upstreamRegistryUrl": HUB},
            unsupported,
            "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing "
            "the upstream registry credentials and try again.",
        ),
        ({"credentialArn": here}, unsupported, "The specified upstream registry doesn't require authentication"),
        (
            {"upstreamRegistryUrl": HUB, "credentialArn": elsewhere},
            "SecretNotFoundException",
            "Please verify the secret exists in the same region and account",
        ),
        (
            {"upstreamRegistryUrl": HUB, "credentialArn": MISSING_SECRET.replace("us-east-1", "eu-north-1")},
            "SecretNotFoundException",
            not_found,
        ),
        ({"upstreamRegistryUrl": HUB, "credentialArn": unreadable}, "UnableToAccessSecretException", ""),
        (
            {"upstreamRegistryUrl": HUB, "credentialArn": here, "upstreamRegistry": "quay"},
            "ValidationException",
            mismatch.format("entered upstream registry"),
        ),
        (
            {"upstreamRegistryUrl": f"{settings.ACCOUNT}.{private}"},
            "ValidationException",
            "Upstream registry URL cannot be the same as the cache registry",
        ),
        ({"customRoleArn": role}, "ValidationException", credential_type),
        (
            {"upstreamRegistryUrl": f"{settings.OTHER_ACCOUNT}.{private}", "credentialArn": here},
            "ValidationException",
            credential_type,
        ),
    ]:
        with pytest.raises(ClientError) as refused:
            ecr.create_pull_through_cache_rule(**{"ecrRepositoryPrefix": "new", "upstreamRegistryUrl": PUBLIC, **more})
        answer = refused.value.response["Error"]
        assert (answer["Code"], answer["Message"].startswith(message)) == (code, True), answer


def test_the_aws_commands_work(sandbox, on_the_hub):
    user, _ = on_the_hub
    arn, prefix = secret(sandbox, user), f"cli-{uuid.uuid4().hex[:8]}"
    about = f"--ecr-repository-prefix {prefix}"
    sandbox.run(f"aws ecr create-pull-through-cache-rule {about} --upstream-registry-url {HUB} --credential-arn {arn}")
    assert prefix in sandbox.run("aws ecr describe-pull-through-cache-rules")
    assert '"isValid": true' in sandbox.run(f"aws ecr validate-pull-through-cache-rule {about}")
    name = f"{sandbox.registry}/{prefix}/{user}/app:1"
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    sandbox.run(f"aws ecr delete-pull-through-cache-rule {about}")
