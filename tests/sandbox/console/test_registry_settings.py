"""The settings of the private registry, and the public registry."""

import html
import json
import re
import uuid

from tests.sandbox.console.pages import text

PRIVATE = "/ecr/private-registry"
SELECTION = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}


def test_scanning(console, sandbox):
    page, ecr = f"{PRIVATE}/scanning", sandbox.client()
    console.post(page, type="ENHANCED", on_push="prod/*\n\nweb", continuous="*")
    found = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
    assert found["scanType"] == "ENHANCED"
    by_frequency = {
        rule["scanFrequency"]: [each["filter"] for each in rule["repositoryFilters"]] for rule in found["rules"]
    }
    assert by_frequency == {"SCAN_ON_PUSH": ["prod/*", "web"], "CONTINUOUS_SCAN": ["*"]}
    assert "prod/*\nweb</textarea>" in console.get(page)
    assert "InvalidParameterException" in text(console.post(page, 400, type="BASIC", on_push="Not Valid"))
    shown = console.post(page, type="BASIC", all="1", on_push="web")
    assert '"filter": "*"' in html.unescape(shown) and "</textarea>" in shown and "*</textarea>" not in shown
    [rule] = ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    assert [each["filter"] for each in rule["repositoryFilters"]] == ["*"]
    console.post(page, type="BASIC")
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}


def test_blob_mounting(console, sandbox):
    assert "Blob mounting is disabled." in text(console.post(f"{PRIVATE}/blob-mounting"))
    assert sandbox.client().get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    assert "Blob mounting is enabled." in text(console.post(f"{PRIVATE}/blob-mounting", enabled="1"))


def test_replication(console, sandbox):
    page, ecr = f"{PRIVATE}/replication", sandbox.client()
    console.post(page, region=["eu-west-1", "", ""], account=["", "", ""], prefixes="prod")
    console.post(page, region=["eu-central-1", "us-west-2", ""], account=["111122223333", "", ""])
    rules = ecr.describe_registry()["replicationConfiguration"]["rules"]
    assert [[each["region"] for each in rule["destinations"]] for rule in rules] == [
        ["eu-west-1"],
        ["eu-central-1", "us-west-2"],
    ]
    assert rules[0]["repositoryFilters"] == [{"filter": "prod", "filterType": "PREFIX_MATCH"}]
    assert "eu-central-1 (111122223333), us-west-2 (123456789012) All repositories" in text(console.get(page))
    console.post(page, remove=0)
    assert len(ecr.describe_registry()["replicationConfiguration"]["rules"]) == 1
    assert "InvalidParameterException" in text(console.post(page, 400, region=["nowhere"], account=[""]))
    console.post(page, remove=0)


def test_the_registrys_policy(console, sandbox):
    account = sandbox.client("sts").get_caller_identity()["Account"]
    statement = {
        "Sid": "replicate",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": f"arn:aws:ecr:us-east-1:{account}:repository/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    console.post(f"{PRIVATE}/permissions", action="save", policy=policy)
    assert json.loads(sandbox.client().get_registry_policy()["policyText"])["Statement"][0]["Sid"] == "replicate"
    assert "The policy was deleted." in text(console.post(f"{PRIVATE}/permissions", action="delete"))


def test_pull_through_cache(console, sandbox):
    page = f"{PRIVATE}/pull-through-cache"
    shown = text(console.post(page, upstream="ecr-public", prefix="pub"))
    assert "pub ECR Public public.ecr.aws" in shown
    refused = text(console.post(page, 400, upstream="docker-hub", prefix="hub"))
    assert "UnsupportedUpstreamRegistryException" in refused
    assert "The rule for pub is valid." in text(console.post(page, validate="pub"))
    console.post(page, remove="pub")
    assert sandbox.client().describe_pull_through_cache_rules()["pullThroughCacheRules"] == []


def test_a_pull_through_cache_rule_with_a_secret(console, sandbox):
    page, make = f"{PRIVATE}/pull-through-cache", sandbox.client("secretsmanager").create_secret
    login = json.dumps({"username": "ann", "accessToken": "wrong"})
    first, second = (make(Name=f"ecr-pullthroughcache/{each}", SecretString=login)["ARN"] for each in "ab")
    console.post(page, upstream="docker-hub", prefix="hub", credential=first, upstream_prefix="library")
    assert "Edit the rule for hub" in text(console.get(page, edit="hub"))
    assert f'value="{first}"' in console.get(page, edit="hub")
    shown = text(console.post(f"{page}?edit=hub", action="update", credential=second))
    assert "The rule for hub was updated." in shown and "aws ecr update-pull-through-cache-rule" in shown
    [rule] = sandbox.client().describe_pull_through_cache_rules()["pullThroughCacheRules"]
    assert (rule["credentialArn"], rule["upstreamRepositoryPrefix"]) == (second, "library")
    assert "Not valid" in text(console.post(page, 400, validate="hub"))
    assert "InvalidParameterException" in text(console.post(f"{page}?edit=hub", 400, action="update", credential="x"))
    console.post(page, remove="hub")
    assert "PullThroughCacheRuleNotFoundException" in text(console.post(page, 400, validate="hub"))


def test_creation_templates(console, sandbox):
    page = f"{PRIVATE}/creation-templates"
    form = {"prefix": "team", "applied_for": ["CREATE_ON_PUSH", "REPLICATION"], "mutability": "IMMUTABLE"}
    shown = text(console.post(page, **form, description="For teams"))
    assert "team Create on push, Replication Immutable For teams" in shown
    assert "TemplateAlreadyExistsException" in text(console.post(page, 400, **form))
    edit = console.get(page, edit="team")
    assert "Edit the template for team" in edit and 'value="IMMUTABLE" checked' in edit and "For teams" in edit
    lifecycle = json.dumps({"rules": [{"rulePriority": 1, "selection": SELECTION, "action": {"type": "expire"}}]})
    more = {"mutability": "MUTABLE", "filter": ["v*", ""], "lifecycle_policy": lifecycle, "tags": "team=blue"}
    role = "arn:aws:iam::123456789012:role/templates"
    shown = console.post(f"{page}?edit=team", action="update", applied_for="REPLICATION", role=role, **more)
    assert "The template for team was updated." in text(shown)
    [template] = sandbox.client().describe_repository_creation_templates()["repositoryCreationTemplates"]
    assert template["appliedFor"] == ["REPLICATION"] and template["description"] == "For teams"
    assert template["imageTagMutability"] == "MUTABLE_WITH_EXCLUSION"
    assert template["resourceTags"] == [{"Key": "team", "Value": "blue"}]
    assert json.loads(template["lifecyclePolicy"])["rules"][0]["selection"] == SELECTION
    edit = console.get(page, edit="team")
    assert "team=blue</textarea>" in edit and 'value="v*"' in edit and "imageCountMoreThan" in edit
    assert "InvalidParameterException" in text(console.post(f"{page}?edit=team", 400, action="update", mutability="x"))
    console.post(page, remove="team")
    assert sandbox.client().describe_repository_creation_templates()["repositoryCreationTemplates"] == []


def test_public_repositories(console, sandbox):
    page, name = "/ecr/public-registry/repositories", f"shown-{uuid.uuid4().hex[:8]}"
    shown = console.post(page, name=name, description="For everybody")
    assert f"Successfully created repository {name}." in text(shown)
    assert f'/{name}" aria-label="Copy the URI of {name}"' in shown
    assert "RepositoryAlreadyExistsException" in text(console.post(page, 400, name=name))
    delete = "/ecr/public-registry/delete-repository"
    assert "To confirm, enter delete." in text(console.post(delete, 400, repository=name))
    assert f"Successfully deleted repository {name}." in text(
        console.post(delete, repository=name, confirmation="delete")
    )


def test_a_push_to_a_public_repository_by_the_commands_of_its_page(console, sandbox, tmp_path):
    name = f"shown-{uuid.uuid4().hex[:8]}"
    console.post("/ecr/public-registry/repositories", name=name)
    page = console.get(f"/ecr/repositories/public/{name}")
    assert "No images." in text(page)
    login, build, tag, push = (
        html.unescape(each) for each in re.findall(r'aria-label="Step .*?<code>(.*?)</code>', page)
    )
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    sandbox.run(f"cd {tmp_path} && {login} && DOCKER_BUILDKIT=0 {build} && {tag} && {push}")
    sandbox.run(f"docker rmi {tag.split()[2]} {tag.split()[3]}")
    assert "latest " in text(console.get(f"/ecr/repositories/public/{name}"))
