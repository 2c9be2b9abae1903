"""Clean-up by the ledger: in every Region and account that it names, again after a kill, and never what is untagged."""

import boto3
import pytest

from helpers import cleanup, ledger, settings, shell
from helpers.cleanup import kinds, noted
from helpers.exercises.broken import task_definitions
from helpers.ledger import Entry


@pytest.fixture(autouse=True)
def no_images(monkeypatch):
    monkeypatch.setattr("helpers.cleanup.engine.clean_up", lambda *_: kinds.Outcome([], []))


def note(*resources: tuple[str, str], region: str = settings.REGION) -> list[Entry]:
    entries = [Entry(settings.ACCOUNT, region, kind, name) for kind, name in resources]
    ledger.note(*entries)
    return entries


def names(ecr) -> set[str]:
    found = {each["repositoryName"] for each in ecr.describe_repositories()["repositories"]}
    return found - {settings.MIRROR_REPOSITORY}


def test_it_looks_in_each_region_that_the_ledger_names(on_aws):
    there = boto3.client("ecr", region_name="ap-south-1")
    there.create_repository(repositoryName="demo-app-repo", tags=[settings.TAG])
    there.create_repository(repositoryName="demo-found-by-its-tag", tags=[settings.TAG])
    note(("repository", "demo-app-repo"), region="ap-south-1")
    assert on_aws.clean_up()["repositories"] == ["demo-app-repo", "demo-found-by-its-tag"]
    assert names(there) == set()
    assert ledger.entries() == []


def test_it_does_not_look_in_regions_where_nothing_was_made(on_aws):
    """An organization may allow one Region only."""
    assert {kind.place.region for kind in cleanup.all_kinds(on_aws)} == {settings.REGION, ""}


def test_a_region_that_may_not_be_looked_at_is_unknown(on_aws, deny, capsys):
    note(("repository", "demo-app-repo"), region="ap-south-1")
    deny("ecr:DescribeRepositories")
    problems = on_aws.clean_up()["problems"]
    assert "repositories in ap-south-1: unknown, ecr:DescribeRepositories is not allowed" in problems
    assert "repository in ap-south-1 demo-app-repo: unknown, ecr:DescribeRepositories is not allowed" in problems
    assert "✗ The rest may still exist and cost money." in capsys.readouterr().out
    assert len(ledger.entries()) == 1


def test_what_has_no_tag_is_reported_and_not_touched(on_aws):
    on_aws.client().create_repository(repositoryName="demo-app-repo")
    on_aws.client("iam").create_user(UserName="demo-pusher")
    note(("repository", "demo-app-repo"))
    note(("user", "demo-pusher"), region="")
    problems = [
        "repository demo-app-repo has no tag made-by=learn-amazon-ecr, so it was not touched",
        "user demo-pusher has no tag made-by=learn-amazon-ecr, so it was not touched",
    ]
    for _ in range(2):
        assert on_aws.clean_up()["problems"] == problems
    assert names(on_aws.client()) == {"demo-app-repo"}
    assert on_aws.client("iam").get_user(UserName="demo-pusher")


def test_the_repository_of_the_exercise_about_the_tag_is_deleted(on_aws):
    wrong = {**settings.TAG, "Value": "learn-amazon-erc"}
    on_aws.client().create_repository(repositoryName="demo-orders", tags=[wrong, settings.EXERCISE_TAG])
    note(("repository", "demo-orders"))
    assert on_aws.clean_up()["problems"] == []
    assert names(on_aws.client()) == set()


def test_an_account_that_cannot_be_reached_is_unknown(on_aws):
    ledger.note(Entry("999999999999", "", "user", "demo-guest"))
    [problem] = on_aws.clean_up()["problems"]
    assert problem.startswith("user demo-guest in IAM of account 999999999999: unknown, use that account's credentials")


def test_the_sandbox_does_not_report_what_is_noted_for_aws(plain):
    ledger.note(Entry("999999999999", "", "user", "demo-guest"))
    assert plain.clean_up()["problems"] == []
    assert len(ledger.entries()) == 1


def test_a_dry_run_changes_nothing(on_aws, capsys):
    on_aws.client().create_repository(repositoryName="demo-app-repo", tags=[settings.TAG])
    [entry] = note(("repository", "demo-app-repo"))
    assert on_aws.clean_up(dry_run=True)["repositories"] == ["demo-app-repo"]
    assert "✔ repositories to delete: demo-app-repo\n" in capsys.readouterr().out
    assert names(on_aws.client()) == {"demo-app-repo"}
    assert ledger.entries() == [entry]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", range(5))
def test_after_a_kill_clean_up_does_the_rest(on_aws, monkeypatch, moment):
    iam = on_aws.client("iam")
    for name in ("demo-a", "demo-b"):
        on_aws.client().create_repository(repositoryName=name, tags=[settings.TAG])
        iam.create_user(UserName=name, Tags=[settings.TAG])
        note(("repository", name))
        note(("user", name), region="")
    left, real = [moment], kinds.delete_one

    def delete_one(*arguments):
        if not left[0]:
            raise Killed
        left[0] -= 1
        real(*arguments)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(kinds, "delete_one", delete_one)
        patched.setattr(noted, "look", lambda *_, **__: (_ for _ in ()).throw(Killed))
        on_aws.clean_up()
    assert len([entry for entry in ledger.entries() if entry.kind != "image"]) == 4
    for _ in range(2):
        assert on_aws.clean_up()["problems"] == []
    assert names(on_aws.client()) == set()
    assert not {"demo-a", "demo-b"} & {each["UserName"] for each in iam.list_users()["Users"]}
    assert ledger.entries() == []


def test_inactive_task_definitions_are_deleted(on_aws):
    ecs = on_aws.client("ecs")
    image = f"{settings.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app:v1"
    task_definitions.register(on_aws, "demo-app", {"image": image}, f"arn:aws:iam::{settings.ACCOUNT}:role/x")
    ecs.deregister_task_definition(taskDefinition="demo-app:1")
    assert on_aws.clean_up()["workloads"] == ["task definition demo-app:1"]
    assert ecs.list_task_definitions(familyPrefix="demo-app", status="INACTIVE")["taskDefinitionArns"] == []
    assert ledger.entries() == []


def test_folders_with_passwords_of_a_killed_kernel_are_deleted(on_aws, monkeypatch):
    folder = shell.computer({"AccessKeyId": "A", "SecretAccessKey": "S"})["DOCKER_CONFIG"]
    monkeypatch.setattr(shell, "_folders", [])  # the kernel that knew it was killed
    assert folder.startswith(str(settings.state()))
    on_aws.clean_up()
    assert not (settings.state() / shell.FOLDER).exists()
