"""Whatever an owner of an account could lose is in its contents: each change of a resource is a difference."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import ecr_sandbox
from machine import account, foreign, inventory
from machine.account import ACCOUNT, GLOBAL, REGION, client
from machine.foreign import Thing

KINDS = tuple(foreign.MAKE)
THINGS = foreign.things
NAME = "theirs"
HERE = {"repositoryName": NAME}
ROLE, USER = {"RoleName": NAME}, {"UserName": NAME}
RULE = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """An account with one thing of each kind."""
    settings = ecr_sandbox.Settings(tmp_path_factory.mktemp("state"), account=ACCOUNT, region=REGION)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", ecr_sandbox.start(settings)["endpoint"])
        patch.setattr(account, "REGIONS", (REGION,))
        patch.setattr(account, "KEYS", {ACCOUNT: account.KEYS[ACCOUNT]})
        patch.setattr(foreign, "things", lambda kind: [thing(kind)])
        iam("create_group", GroupName="demo-group")
        for kind, make in foreign.MAKE.items():
            make(thing(kind))
        yield
        ecr_sandbox.stop(settings)


def thing(kind: str) -> Thing:
    region = GLOBAL if kind in foreign.WITHOUT_REGION else REGION
    return Thing(kind, ACCOUNT, region, f"/ecs/{NAME}" if kind == "log group" else NAME, {"owner": "somebody"})


def call(service: str, operation: str, **parameters: Any) -> Any:
    region = GLOBAL if service in ("iam", "ecr-public") else REGION
    return getattr(client(ACCOUNT, service, region), operation)(**parameters)


def iam(operation: str, **parameters: Any) -> Any:
    return call("iam", operation, **parameters)


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{'' if service == 'iam' else REGION}:{ACCOUNT}:{name}"


def delete_image() -> None:
    images = call("ecr", "list_images", **HERE)["imageIds"]
    call("ecr", "batch_delete_image", **HERE, imageIds=images[:1])


def delete_key() -> None:
    [key] = iam("list_access_keys", **USER)["AccessKeyMetadata"]
    iam("update_access_key", **USER, AccessKeyId=key["AccessKeyId"], Status="Inactive")


TEXT = json.dumps({"rules": [foreign.LIFECYCLE | {"rulePriority": 7}]})
# What a careless program could do, and the name of what it changes.
CHANGES: dict[str, Callable[[], Any]] = {
    "repository theirs: tags": lambda: call(
        "ecr", "tag_resource", resourceArn=arn("ecr", f"repository/{NAME}"), tags=[{"Key": "a", "Value": "b"}]
    ),
    "repository theirs: policy": lambda: call("ecr", "delete_repository_policy", **HERE),
    "repository theirs: lifecycle policy": lambda: call(
        "ecr", "put_lifecycle_policy", **HERE, lifecyclePolicyText=TEXT
    ),
    "repository theirs: images": delete_image,
    "repository theirs: description": lambda: call(
        "ecr", "put_image_tag_mutability", **HERE, imageTagMutability="MUTABLE"
    ),
    "settings of the registry : scanning": lambda: call(
        "ecr", "put_registry_scanning_configuration", scanType="BASIC", rules=[RULE]
    ),
    "public repository theirs: catalog data": lambda: call(
        "ecr-public", "put_repository_catalog_data", **HERE, catalogData={"description": "Ours"}
    ),
    "user theirs: keys": delete_key,
    "user theirs: description": lambda: iam("detach_user_policy", **USER, PolicyArn=foreign.READ_ONLY),
    "role theirs: description": lambda: iam("delete_role_policy", **ROLE, PolicyName="demo-inline"),
    "policy theirs: description": lambda: iam(
        "set_default_policy_version", PolicyArn=arn("iam", f"policy/{NAME}"), VersionId="v1"
    ),
    "policy theirs: tags": lambda: iam("untag_policy", PolicyArn=arn("iam", f"policy/{NAME}"), TagKeys=["owner"]),
    "cluster theirs: description": lambda: call(
        "ecs", "untag_resource", resourceArn=arn("ecs", f"cluster/{NAME}"), tagKeys=["owner"]
    ),
    "service theirs/theirs: description": lambda: call(
        "ecs", "tag_resource", resourceArn=arn("ecs", f"service/{NAME}/{NAME}"), tags=[{"key": "a", "value": "b"}]
    ),
    "task definition theirs:2: description": lambda: call(
        "ecs", "deregister_task_definition", taskDefinition=f"{NAME}:2"
    ),
    "log group /ecs/theirs: description": lambda: call(
        "logs", "put_retention_policy", logGroupName=f"/ecs/{NAME}", retentionInDays=1
    ),
    "log group /ecs/theirs: streams": lambda: call(
        "logs", "delete_log_stream", logGroupName=f"/ecs/{NAME}", logStreamName="theirs"
    ),
}


@pytest.mark.usefixtures("theirs")
def test_each_kind_is_listed_and_unchanged_while_nobody_changes_it():
    found = account.contents()
    kinds = {name.partition(f"{ACCOUNT} ")[2].removeprefix(f"{REGION} ").rpartition(" ")[0] for name in found}
    assert kinds >= {*KINDS, "service", "group", "settings of the registry"}
    assert inventory.differences(found, account.contents()) == []


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_a_difference(what):
    before = account.contents()
    CHANGES[what]()
    found = inventory.differences(before, account.contents())
    assert any(f"{what} was " in each for each in found), found


@pytest.mark.usefixtures("theirs")
def test_what_is_made_and_deleted_is_a_difference():
    before = account.contents()
    call("ecr", "create_repository", repositoryName="new")
    after = account.contents()
    assert inventory.differences(before, after) == [f"left: {ACCOUNT} {REGION} repository new"]
    assert inventory.differences(after, before) == [f"deleted: {ACCOUNT} {REGION} repository new"]
    call("ecr", "delete_repository", repositoryName="new")


def test_there_are_nine_things_of_each_kind_with_the_names_of_the_course_elsewhere():
    for kind in KINDS:
        things = THINGS(kind)
        assert len({each[:4] for each in things}) == 9
        assert {each.account for each in things} == {ACCOUNT, foreign.SECOND}
        assert {each.name for each in things if each[1:3] == (ACCOUNT, REGION)}.isdisjoint(foreign.SAME[kind])
    assert foreign.TAG_OF_COURSE not in foreign.TAGS


def test_another_learner_has_one_thing_of_each_kind_where_the_course_makes_it():
    things = foreign.of_other_learner()
    assert sorted(each.kind for each in things) == sorted(KINDS)
    assert {each.account for each in things} == {ACCOUNT}
    assert all(each.tags == foreign.TAG_OF_COURSE and each not in THINGS(each.kind) for each in things)
