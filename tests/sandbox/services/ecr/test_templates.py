"""Creation templates: the settings of repositories that ECR creates, and pushes that create one."""

import json
import signal
from unittest.mock import ANY

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecr.lifecycle.policy import stored
from ecr_sandbox.services.ecr.templates import PUSH, chosen, has_prefix, is_name
from helpers import settings
from tests.sandbox.iam.permissions import allow, make_role, policy

LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
                "action": {"type": "expire"},
            }
        ]
    }
)
MAY_PULL = json.dumps(policy({"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}))
PUSHING = ["ecr:GetAuthorizationToken", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"]
PUSHING += ["ecr:BatchCheckLayerAvailability", "ecr:PutImage", "ecr:BatchGetImage"]


@pytest.mark.parametrize(
    ("name", "prefix", "has"),
    [
        ("prod/app", "prod", True),
        ("prod/app", "prod/", True),
        ("prod", "prod", False),
        ("production/app", "prod", False),
        ("prod/team/app", "prod/team", True),
        ("anything", "ROOT", True),
        ("root/app", "ROOT", True),
    ],
)
def test_a_prefix_matches_with_or_without_a_final_slash(name, prefix, has):
    assert has_prefix(name, prefix) is has


def test_the_template_with_the_longest_prefix_for_the_reason_applies():
    def template(prefix, *reasons):
        return {"prefix": prefix, "appliedFor": list(reasons)}

    templates = [
        template("ROOT", PUSH),
        template("prod", PUSH),
        template("prod/team/", PUSH, "REPLICATION"),
        template("prod/team/app", "REPLICATION"),
    ]

    def prefix(name, reason=PUSH):
        return (chosen(templates, name, reason) or {}).get("prefix")

    assert prefix("prod/team/app/web") == "prod/team/"
    assert prefix("prod/team/app/web", "REPLICATION") == "prod/team/app"
    assert prefix("prod/app") == "prod"
    assert prefix("dev") == "ROOT"
    assert prefix("dev", "REPLICATION") is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("app", True),
        ("a/b__c-d/e.f", True),
        ("a", False),
        ("App", False),
        ("a//b", False),
        ("-a", False),
        ("a" * 257, False),
    ],
)
def test_which_names_a_push_can_create(name, is_one):
    assert is_name(name) is is_one


@pytest.fixture(scope="module")
def creator(sandbox):
    """A role that ECR creates repositories with."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = policy(allow(["ecr:CreateRepository", "ecr:TagResource"]))
    return make_role(sandbox, "creator", json.dumps(policy(trusted)), may)


@pytest.fixture
def prefix(sandbox, repository):
    """A prefix that no other test uses."""
    return repository


@pytest.mark.operation("CreateRepositoryCreationTemplate", "InitiateLayerUpload")
def test_a_push_creates_a_repository_with_the_settings_of_the_template(sandbox, prefix, make_image, creator):
    name = make_image(f"{sandbox.registry}/{prefix}/app:v1")
    assert "name unknown" in sandbox.refused(f"docker push {name}")
    filters = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    sandbox.client().create_repository_creation_template(
        prefix=prefix,
        description="whatever is pushed",
        appliedFor=["CREATE_ON_PUSH"],
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
        encryptionConfiguration={"encryptionType": "KMS"},
        resourceTags=[{"Key": "team", "Value": "web"}],
        repositoryPolicy=MAY_PULL,
        lifecyclePolicy=LIFECYCLE,
        customRoleArn=creator,
    )
    sandbox.run(f"docker push {name}")

    ecr, about = sandbox.client(), {"repositoryName": f"{prefix}/app"}
    [made] = ecr.describe_repositories(repositoryNames=[about["repositoryName"]])["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert made["imageTagMutabilityExclusionFilters"] == filters
    assert made["encryptionConfiguration"]["encryptionType"] == "KMS"
    tags = ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert tags == [{"Key": "team", "Value": "web"}]
    assert json.loads(ecr.get_repository_policy(**about)["policyText"]) == json.loads(MAY_PULL)
    assert ecr.get_lifecycle_policy(**about)["lifecyclePolicyText"] == stored(LIFECYCLE)
    other = make_image(f"{sandbox.registry}/{prefix}/app:v1")
    assert "immutable" in sandbox.refused(f"docker push {other}")


def test_a_template_for_something_else_creates_nothing_on_push(sandbox, prefix, make_image):
    sandbox.client().create_repository_creation_template(
        prefix=prefix, appliedFor=["REPLICATION", "PULL_THROUGH_CACHE"]
    )
    name = make_image(f"{sandbox.registry}/{prefix}/app:v1")
    assert f"The repository with name '{prefix}/app' does not exist" in sandbox.refused(f"docker push {name}")


def test_tags_and_kms_need_a_role_that_can_create_repositories(sandbox, prefix, make_image, creator):
    """User guide: "This role must be provided …, otherwise the repository creation will fail"."""
    ecr, name = sandbox.client(), make_image(f"{sandbox.registry}/{prefix}/app:v1")
    tags = [{"Key": "team", "Value": "web"}]
    ecr.create_repository_creation_template(prefix=prefix, appliedFor=["CREATE_ON_PUSH"], resourceTags=tags)
    assert "does not exist" in sandbox.refused(f"docker push {name}")
    trusted = {"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    weak = make_role(sandbox, f"weak-{prefix}", json.dumps(policy(trusted)), policy(allow("ecr:CreateRepository")))
    ecr.update_repository_creation_template(prefix=prefix, customRoleArn=weak)
    assert "does not exist" in sandbox.refused(f"docker push {name}")
    ecr.update_repository_creation_template(prefix=prefix, customRoleArn=creator)
    sandbox.run(f"docker push {name}")


def test_a_push_needs_permission_to_create_the_repository(sandbox, prefix, make_image, person, creator):
    tags = [{"Key": "team", "Value": "web"}]
    sandbox.client().create_repository_creation_template(
        prefix=prefix, appliedFor=["CREATE_ON_PUSH"], resourceTags=tags, customRoleArn=creator
    )
    name = make_image(f"{sandbox.registry}/{prefix}/app:v1")
    person.login(sandbox.registry)
    person.may({"Action": PUSHING, "Resource": "*"})
    message = person.refused(f"docker push {name}")
    assert f"not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:{settings.REGION}" in message
    only_web = {"StringEquals": {"aws:RequestTag/team": "web"}}
    person.may({"Action": PUSHING, "Resource": "*"}, allow("ecr:CreateRepository", Condition=only_web))
    person.run(f"docker push {name}")


def test_a_repository_created_by_a_push_survives_a_kill(own_sandbox, make_image):
    sandbox = own_sandbox.start()
    sandbox.login()
    sandbox.client().create_repository_creation_template(prefix="ROOT", appliedFor=["CREATE_ON_PUSH"])
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/new/app:v1')}")
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    assert sandbox.client().list_images(repositoryName="new/app")["imageIds"]
    assert sandbox.client().describe_repository_creation_templates()["repositoryCreationTemplates"]


@pytest.mark.operation(
    "CreateRepositoryCreationTemplate",
    "DescribeRepositoryCreationTemplates",
    "UpdateRepositoryCreationTemplate",
    "DeleteRepositoryCreationTemplate",
)
def test_templates_are_created_listed_changed_and_deleted(sandbox):
    ecr = sandbox.client(region="eu-west-1")
    for prefix in ("a", "b/", "ROOT"):
        made = ecr.create_repository_creation_template(prefix=prefix, appliedFor=["REPLICATION"])
        assert made["registryId"] == settings.ACCOUNT
    first = ecr.describe_repository_creation_templates(maxResults=2)
    rest = ecr.describe_repository_creation_templates(maxResults=2, nextToken=first["nextToken"])
    found = first["repositoryCreationTemplates"] + rest["repositoryCreationTemplates"]
    assert sorted(each["prefix"] for each in found) == ["ROOT", "a", "b/"]
    [one] = ecr.describe_repository_creation_templates(prefixes=["b"])["repositoryCreationTemplates"]
    assert one == {
        "prefix": "b/",
        "appliedFor": ["REPLICATION"],
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "MUTABLE",
        "createdAt": ANY,
        "updatedAt": ANY,
    }
    changed = ecr.update_repository_creation_template(prefix="b", description="new", imageTagMutability="IMMUTABLE")
    template = changed["repositoryCreationTemplate"]
    assert (template["description"], template["imageTagMutability"]) == ("new", "IMMUTABLE")
    assert template["appliedFor"] == ["REPLICATION"]
    gone = ecr.delete_repository_creation_template(prefix="b/")["repositoryCreationTemplate"]
    assert gone["description"] == "new"
    assert ecr.describe_repository_creation_templates(prefixes=["b"])["repositoryCreationTemplates"] == []


@pytest.mark.operation(
    "CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate", "DeleteRepositoryCreationTemplate"
)
def test_invalid_templates_are_refused(sandbox, prefix):
    ecr = sandbox.client()
    about = {"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"]}
    wrong = [
        ({"repositoryPolicy": "{}"}, "Invalid repository policy provided"),
        ({"lifecyclePolicy": '{"rules": 1}'}, "Lifecycle policy validation failure"),
        ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "ImageTagMutabilityExclusionFilters"),
        ({"resourceTags": [{"Key": "aws:x", "Value": "y"}]}, "Tag parameters are invalid"),
        ({"appliedFor": ["LUNCH"]}, "InvalidParameterException"),
    ]
    for more, message in wrong:
        with pytest.raises(ClientError, match=message):
            ecr.create_repository_creation_template(**{**about, **more})
    ecr.create_repository_creation_template(**about)
    with pytest.raises(ClientError, match="TemplateAlreadyExistsException"):
        ecr.create_repository_creation_template(**about)
    for call in (ecr.update_repository_creation_template, ecr.delete_repository_creation_template):
        with pytest.raises(ClientError, match="TemplateNotFoundException"):
            call(prefix=f"{prefix}/none")


def test_the_caller_needs_permission_to_pass_the_role(sandbox, prefix):
    """A template or a rule gives the caller no additional permissions."""
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/templates"
    making = ["ecr:CreateRepositoryCreationTemplate", "ecr:CreatePullThroughCacheRule", "ecr:CreateRepository"]
    name, key = sandbox.make_user(policy(allow(making)))
    ecr = sandbox.client(key=key)
    upstream = f"{settings.OTHER_ACCOUNT}.dkr.ecr.{settings.REGION}.amazonaws.com"
    calls = [
        (ecr.create_repository_creation_template, {"prefix": prefix, "appliedFor": ["REPLICATION"]}),
        (ecr.create_pull_through_cache_rule, {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": upstream}),
    ]
    for call, given in calls:
        with pytest.raises(ClientError, match=f"not authorized to perform: iam:PassRole on resource: {role}"):
            call(**given, customRoleArn=role)
    to_ecr = {"StringEquals": {"iam:PassedToService": "ecr.amazonaws.com"}}
    document = json.dumps(policy(allow(making), allow("iam:PassRole", role, Condition=to_ecr)))
    sandbox.client("iam").put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    for call, given in calls:
        call(**given, customRoleArn=role)


def test_a_template_needs_the_permissions_for_what_it_does(sandbox, prefix):
    """Service Authorization Reference of ECR, "API operations"; so say the permissions of CloudFormation's resource."""
    where = f"arn:aws:ecr:us-east-1:{settings.ACCOUNT}:repository/{prefix}/*"
    own = {"Effect": "Deny", "Principal": "*", "Action": "ecr:DeleteRepository"}
    lifecycle = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",
                 "countNumber": 1}, "action": {"type": "expire"}}  # fmt: skip
    given = {
        "ecr:CreateRepository": {},
        "ecr:SetRepositoryPolicy": {"repositoryPolicy": json.dumps(policy(own))},
        "ecr:PutLifecyclePolicy": {"lifecyclePolicy": json.dumps({"rules": [lifecycle]})},
    }
    about = {"prefix": prefix, "appliedFor": ["REPLICATION"]}
    for action, parameters in given.items():
        denied = {"Effect": "Deny", "Action": action, "Resource": where}
        ecr = sandbox.client(key=sandbox.make_user(policy(allow("ecr:*"), denied))[1])
        with pytest.raises(ClientError, match=f"perform: {action} on resource: .*{prefix}"):
            ecr.create_repository_creation_template(**about, **parameters)
        if parameters:
            ecr.create_repository_creation_template(**about)
            with pytest.raises(ClientError, match=f"perform: {action} on resource: .*{prefix}"):
                ecr.update_repository_creation_template(prefix=prefix, **parameters)
            ecr.delete_repository_creation_template(prefix=prefix)


def test_the_aws_commands_work(sandbox, prefix, make_image):
    about = f"--prefix {prefix}"
    made = f"{about} --applied-for CREATE_ON_PUSH --image-tag-mutability IMMUTABLE"
    sandbox.run(f"aws ecr create-repository-creation-template {made}")
    assert "CREATE_ON_PUSH" in sandbox.run(f"aws ecr describe-repository-creation-templates --prefixes {prefix}")
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{prefix}/app:v1')}")
    sandbox.run(f"aws ecr update-repository-creation-template {about} --description changed")
    assert "changed" in sandbox.run(f"aws ecr delete-repository-creation-template {about}")
