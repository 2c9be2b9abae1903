"""IAM's operations that store a policy, with real clients. What is refused: ``test_policy_checks.py``."""

import json
import pickle
import uuid

import pytest

from ecr_sandbox.iam import policies_api, principals
from ecr_sandbox.services import repository_policies
from helpers import settings
from tests.sandbox.conftest import Sandbox
from tests.sandbox.iam.permissions import allow, arn_of, assume, deny, error, make_role, policy, refused, trust

REFUSED = json.dumps(policy(allow("s3:*"), {**deny("ecr:*"), "Action": "ecr:"}))
LARGE = json.dumps(policy(allow("s3:*", Sid="x" * 11_000)))
NO_SUCH = {"UserName": "nobody", "GroupName": "nobody", "RoleName": "nobody"}


@pytest.fixture(scope="module")
def made(sandbox):
    """A user, a group, a role and a managed policy, by the parameter that names them."""
    iam = sandbox.client("iam")
    iam.create_user(UserName="made")
    iam.create_group(GroupName="made")
    iam.create_role(RoleName="made", AssumeRolePolicyDocument=trust(settings.ACCOUNT))
    document = json.dumps(policy(allow("s3:*")))
    arn = iam.create_policy(PolicyName="made", PolicyDocument=document)["Policy"]["Arn"]
    return {"UserName": "made", "GroupName": "made", "RoleName": "made", "PolicyArn": arn}


OPERATIONS = [
    ("create_policy", ()),
    ("create_policy_version", ("PolicyArn",)),
    ("put_user_policy", ("UserName",)),
    ("put_group_policy", ("GroupName",)),
    ("put_role_policy", ("RoleName",)),
]


@pytest.mark.parametrize("operation, about", OPERATIONS)
def test_a_malformed_policy_is_refused_and_not_stored(sandbox, made, operation, about):
    iam = sandbox.client("iam")
    call, named = getattr(iam, operation), {name: made[name] for name in about}
    if "PolicyArn" not in named:
        named["PolicyName"] = "refused"
    code, status, message = error(call, **named, PolicyDocument=REFUSED)
    assert (code, status) == ("MalformedPolicyDocument", 400)
    assert message == "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    assert error(call, **named, PolicyDocument=LARGE)[:2] == ("LimitExceeded", 409)
    assert iam.list_user_policies(UserName="made")["PolicyNames"] == []
    assert iam.list_group_policies(GroupName="made")["PolicyNames"] == []
    assert iam.list_role_policies(RoleName="made")["PolicyNames"] == []
    assert len(iam.list_policy_versions(PolicyArn=made["PolicyArn"])["Versions"]) == 1
    assert [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]] == ["made"]


@pytest.mark.parametrize("operation, about", OPERATIONS[1:])
def test_a_missing_entity_is_an_error_before_a_malformed_policy(sandbox, operation, about):
    """https://github.com/versity/versitygw/blob/main/iamapi/controller_test.go: "put nonexistent role wins over
    malformed document"."""
    named = {name: NO_SUCH.get(name, f"arn:aws:iam::{settings.ACCOUNT}:policy/nobody") for name in about}
    if "PolicyArn" not in named:
        named["PolicyName"] = "refused"
    assert error(getattr(sandbox.client("iam"), operation), **named, PolicyDocument="{")[:2] == ("NoSuchEntity", 404)


def test_the_inline_policies_of_a_user_count_together(sandbox):
    name, _ = sandbox.make_user()
    iam, half = sandbox.client("iam"), json.dumps(policy(allow("s3:*", Sid="x" * 1200)))
    iam.put_user_policy(UserName=name, PolicyName="one", PolicyDocument=half)
    iam.put_user_policy(UserName=name, PolicyName="one", PolicyDocument=half)
    assert error(iam.put_user_policy, UserName=name, PolicyName="two", PolicyDocument=half) == (
        "LimitExceeded",
        409,
        f"Maximum policy size of 2048 bytes exceeded for user {name}",
    )


@pytest.mark.parametrize(
    "document, message",
    [
        ('"nope"', "This policy contains invalid Json"),
        ("{}", "Could not parse the policy: Statement is empty!"),
        (json.dumps(policy(allow("sts:AssumeRole"))), "Missing required field Principal"),
        (trust(f"arn:aws:iam::{settings.ACCOUNT}:user/no-such"), 'Invalid principal in policy: "AWS":"arn:aws:iam::'),
    ],
)
def test_a_malformed_trust_policy_is_refused(sandbox, made, document, message):
    iam = sandbox.client("iam")
    for operation, parameter, name in [
        ("create_role", "AssumeRolePolicyDocument", "refused"),
        ("update_assume_role_policy", "PolicyDocument", "made"),
    ]:
        code, status, actual = error(getattr(iam, operation), RoleName=name, **{parameter: document})
        assert (code, status) == ("MalformedPolicyDocument", 400)
        assert actual.startswith(message)
    assert [each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"] == "refused"] == []
    assert error(iam.update_assume_role_policy, RoleName="no-such", PolicyDocument=document)[0] == "NoSuchEntity"


def test_a_malformed_session_policy_is_refused(sandbox):
    role = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trust(settings.ACCOUNT), policy(allow("ecr:*")))
    call, named = sandbox.client("sts").assume_role, {"RoleArn": role, "RoleSessionName": "test"}
    assert error(call, **named, Policy=REFUSED)[:2] == ("MalformedPolicyDocument", 400)
    incomplete = json.dumps(policy(deny("ecr:*", "arn:aws:ecr")))
    assert error(call, **named, Policy=incomplete)[:2] == ("MalformedPolicyDocument", 400)
    assert error(call, **named, Policy=json.dumps(policy(allow("*"))).ljust(2049))[:2] == ("ValidationError", 400)


def test_a_document_comes_back_as_it_was_given(sandbox):
    """API reference, PolicyVersion: "URL-encoded compliant with RFC 3986". boto3 decodes a document, encoded or not."""
    iam, name = sandbox.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trusting = json.loads(trust(settings.ACCOUNT))
    trusting["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/a": "1+1%20<&é"}}
    given = policy(allow("s3:*", "arn:aws:s3:::a%20b+c/<&é"))
    text = json.dumps(given)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusting))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=text)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    assert "Document" not in iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)["PolicyVersion"]
    assert all("Document" not in each for each in iam.list_policy_versions(PolicyArn=arn)["Versions"])
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == given
    assert iam.get_role_policy(RoleName=name, PolicyName="own")["PolicyDocument"] == given
    details = iam.get_account_authorization_details()
    [role] = [each for each in details["RoleDetailList"] if each["RoleName"] == name]
    [managed] = [each for each in details["Policies"] if each["Arn"] == arn]
    assert role["RolePolicyList"][0]["PolicyDocument"] == given
    assert managed["PolicyVersionList"][0]["Document"] == given
    roles = [
        role,
        iam.get_role(RoleName=name)["Role"],
        *(each for each in iam.list_roles()["Roles"] if each["RoleName"] == name),
        *iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"],
    ]
    assert [each["AssumeRolePolicyDocument"] for each in roles] == [trusting] * 4


# Unique ids of principals


def recreated(sandbox: Sandbox, name: str) -> tuple[str, str]:
    """Delete the user *name* and create another with the same name; the new access key."""
    iam = sandbox.client("iam")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)
    return sandbox.make_user(name=name)[1]


def user(sandbox: Sandbox) -> tuple[str, tuple[str, str], str, str]:
    name, key = sandbox.make_user()
    found = sandbox.client("iam").get_user(UserName=name)["User"]
    return name, key, found["Arn"], found["UserId"]


def named(text: str) -> str:
    return json.loads(text)["Statement"][0]["Principal"]["AWS"]


@pytest.mark.operation("SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepositoryPolicy")
def test_a_user_who_is_created_again_does_not_get_the_access_of_the_repository_policy(sandbox, repository):
    name, key, arn, unique_id = user(sandbox)
    ecr, about = sandbox.client(), {"repositoryName": repository}
    text = json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "ecr:ListImages"}))
    assert ecr.set_repository_policy(**about, policyText=text)["policyText"] == repository_policies.shown(text)
    assert sandbox.client(key=key).list_images(**about)["imageIds"] == []
    again = sandbox.client(key=recreated(sandbox, name))
    assert "ecr:ListImages" in refused(again.list_images, **about)
    assert named(ecr.get_repository_policy(**about)["policyText"]) == unique_id
    ecr.set_repository_policy(**about, policyText=text)
    assert again.list_images(**about)["imageIds"] == []
    assert named(ecr.delete_repository_policy(**about)["policyText"]) == arn


@pytest.mark.operation("PutRegistryPolicy", "GetRegistryPolicy", "DeleteRegistryPolicy")
def test_nor_the_access_of_the_registry_policy(sandbox, repository):
    name, key, arn, unique_id = user(sandbox)
    ecr, resource = sandbox.client(), arn_of("*")
    text = json.dumps(
        policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "ecr:ListImages", "Resource": resource})
    )
    try:
        assert ecr.put_registry_policy(policyText=text)["policyText"] == repository_policies.shown(text)
        assert sandbox.client(key=key).list_images(repositoryName=repository)["imageIds"] == []
        again = sandbox.client(key=recreated(sandbox, name))
        assert "ecr:ListImages" in refused(again.list_images, repositoryName=repository)
        assert named(ecr.get_registry_policy()["policyText"]) == unique_id
    finally:
        assert named(ecr.delete_registry_policy()["policyText"]) == unique_id


def test_nor_the_access_of_a_public_repositorys_policy(sandbox):
    name, key, arn, unique_id = user(sandbox)
    public, about = sandbox.client("ecr-public"), {"repositoryName": f"public-{name}"}
    public.create_repository(**about)
    text = json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "ecr-public:DescribeImages"}))
    assert public.set_repository_policy(**about, policyText=text)["policyText"] == repository_policies.shown(text)
    assert sandbox.client("ecr-public", key=key).describe_images(**about)["imageDetails"] == []
    again = sandbox.client("ecr-public", key=recreated(sandbox, name))
    assert "ecr-public:DescribeImages" in refused(again.describe_images, **about)
    assert named(public.get_repository_policy(**about)["policyText"]) == unique_id


def test_nor_may_assume_a_role(sandbox):
    name, key, arn, unique_id = user(sandbox)
    role = make_role(sandbox, f"role-{name}", trust(arn), policy(allow("ecr:*")))
    assert assume(sandbox, role, key)
    again = recreated(sandbox, name)
    assert "sts:AssumeRole" in refused(
        sandbox.client("sts", key=again).assume_role, RoleArn=role, RoleSessionName="test"
    )
    iam = sandbox.client("iam")
    [listed] = [each for each in iam.list_roles()["Roles"] if each["Arn"] == role]
    for shown in (listed, iam.get_role(RoleName=f"role-{name}")["Role"]):
        assert shown["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] == [unique_id]
    iam.update_assume_role_policy(RoleName=f"role-{name}", PolicyDocument=trust(arn))
    assert iam.get_role(RoleName=f"role-{name}")["Role"]["AssumeRolePolicyDocument"] == json.loads(trust(arn))
    assert assume(sandbox, role, again)


def test_a_role_that_is_created_again_does_not_get_the_access_of_the_old_one(sandbox, repository):
    iam, ecr, name = sandbox.client("iam"), sandbox.client(), f"role-{uuid.uuid4().hex[:8]}"
    trusting, about = trust(settings.ACCOUNT), {"repositoryName": repository}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]
    session = role["Arn"].replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/test"
    share = {"Effect": "Allow", "Principal": {"AWS": [role["Arn"], session]}, "Action": "ecr:ListImages"}
    ecr.set_repository_policy(**about, policyText=json.dumps(policy(share)))
    assert sandbox.client(key=assume(sandbox, role["Arn"])).list_images(**about)["imageIds"] == []
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)
    assert "ecr:ListImages" in refused(sandbox.client(key=assume(sandbox, role["Arn"])).list_images, **about)
    assert named(ecr.get_repository_policy(**about)["policyText"]) == [role["RoleId"], f"{role['RoleId']}:test"]


def test_a_repository_policy_names_a_session(sandbox, repository):
    """IAM user guide, reference_policies_elements_principal, "Assumed-role session principals"."""
    name, about = f"role-{uuid.uuid4().hex[:8]}", {"repositoryName": repository}
    role = make_role(sandbox, name, trust(settings.ACCOUNT), policy(allow("ecr:ListTagsForResource")))
    session = f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/{name}/test"
    for element, effect, allowed in [("Principal", "Allow", {"test"}), ("NotPrincipal", "Deny", set())]:
        share = {"Effect": effect, element: {"AWS": session}, "Action": "ecr:ListImages"}
        sandbox.client().set_repository_policy(**about, policyText=json.dumps(policy(share)))
        for session_name in ("test", "other"):
            made = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName=session_name)["Credentials"]
            key = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
            if session_name in allowed:
                assert sandbox.client(key=key).list_images(**about)["imageIds"] == []
            else:
                message = refused(sandbox.client(key=key).list_images, **about)
                assert ("explicit deny" in message) == (effect == "Deny" and session_name == "other")


def test_a_template_shows_the_id_of_a_deleted_user_and_can_still_be_changed(sandbox):
    name, _, arn, unique_id = user(sandbox)
    text = json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "ecr:ListImages"}))
    ecr, about = sandbox.client(), {"prefix": name}
    made = ecr.create_repository_creation_template(**about, appliedFor=["CREATE_ON_PUSH"], repositoryPolicy=text)
    assert made["repositoryCreationTemplate"]["repositoryPolicy"] == text
    recreated(sandbox, name)
    ecr.update_repository_creation_template(**about, description="changed")
    [template] = ecr.describe_repository_creation_templates(prefixes=[name])["repositoryCreationTemplates"]
    assert named(template["repositoryPolicy"]) == unique_id
    deleted = ecr.delete_repository_creation_template(**about)["repositoryCreationTemplate"]
    assert named(deleted["repositoryPolicy"]) == unique_id


def test_unique_ids_survive_a_restart(own_sandbox):
    sandbox = own_sandbox.start()
    name, _, arn, unique_id = user(sandbox)
    role = make_role(sandbox, "kept", trust(arn), policy(allow("ecr:*")))
    assert sandbox.stop() == 0
    sandbox.start()
    key = recreated(sandbox, name)
    assert "sts:AssumeRole" in refused(sandbox.client("sts", key=key).assume_role, RoleArn=role, RoleSessionName="test")
    document = sandbox.client("iam").get_role(RoleName="kept")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] == [unique_id]


@pytest.mark.parametrize("document", [trust("arn:aws:iam::123456789012:user/anna"), '"nope"', "nope", "{}"])
def test_a_role_that_an_earlier_version_stored_keeps_its_trust_policy(document):
    """It was moto's role, with the text as it was given. A text that is not a policy denies everything."""
    role = policies_api.Role(settings.ACCOUNT, "aws", "AROAROLE", "r", "{}", "/", None, "", [], "3600")
    role.__dict__["assume_role_policy_document"] = document
    policies_api.install()
    old = pickle.dumps(role, 0).replace(b"ecr_sandbox.iam.policies_api", b"moto.iam.models")
    assert b"moto.iam.models" in old
    restored = pickle.loads(old)
    assert type(restored) is policies_api.Role
    assert restored.assume_role_policy_document == document
    assert (principals.trust_policy(restored) is principals.UNREADABLE) == (not document.startswith('{"'))
