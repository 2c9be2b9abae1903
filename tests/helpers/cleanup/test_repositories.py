"""Private and public repositories of the course are deleted, and no others."""

import boto3
import pytest

from ecr_sandbox import SandboxError
from helpers import cleanup, ledger, settings


@pytest.fixture
def public(plain):
    return boto3.client("ecr-public", region_name="us-east-1")


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_with_a_prefix_start_over_deletes_nothing_of_another_learner(plain, capsys, monkeypatch):
    ecr = plain.client()
    for name in ("demo-app-repo", "tom-app-repo"):
        ecr.create_repository(repositoryName=name, tags=[settings.TAG])
    monkeypatch.setattr(settings, "PREFIX", "tom-")
    plain.start_over("demo-app-repo")
    assert plain.made() == []
    assert ecr.describe_repositories(repositoryNames=["demo-app-repo"])
    assert capsys.readouterr().out == "✔ deleted if present: tom-app-repo\n"


def test_start_over_deletes_tagged_repositories_only(plain, capsys):
    ecr = plain.client()
    ecr.create_repository(repositoryName="demo-ours", tags=[settings.TAG])
    ecr.create_repository(repositoryName="theirs", tags=[{"Key": "made-by", "Value": "me"}])
    plain.start_over("demo-ours", "never-there")
    plain.start_over("demo-ours", "never-there")
    assert printed(capsys) == ["✔ deleted if present: demo-ours, never-there"] * 2
    with pytest.raises(SandboxError, match="theirs has no tag made-by=learn-amazon-ecr"):
        plain.start_over("theirs")
    left = {found["repositoryName"] for found in ecr.describe_repositories()["repositories"]}
    assert left - {settings.MIRROR_REPOSITORY} == {"theirs"}


def test_the_mirror_is_never_deleted(plain):
    mirror = "docker/library/mirrored"
    plain.client().create_repository(repositoryName=mirror, tags=[settings.TAG])
    assert plain.made() == []
    with pytest.raises(SandboxError):
        plain.start_over(mirror)
    assert plain.clean_up()["repositories"] == []
    assert plain.client().describe_repositories(repositoryNames=[mirror])


def test_clean_up_deletes_repositories_without_an_engine(plain, capsys):
    plain.client().create_repository(repositoryName="demo-ours", tags=[settings.TAG])
    engine = "images on this machine: The Docker engine is not running. Fix: start it"
    nothing = {"public": [], "iam": [], "workloads": [], "images": []}
    assert plain.clean_up() == {"repositories": ["demo-ours"], **nothing, "problems": [engine]}
    assert printed(capsys)[1:5] == [
        "✔ repositories deleted: demo-ours",
        "✔ public repositories deleted: none was left",
        "✔ users, roles and policies deleted: none was left",
        "✗ images on this machine: The Docker engine is not running. Fix: start it",
    ]


def test_tagged_public_repositories_are_deleted_and_others_are_not(plain, public, capsys):
    public.create_repository(repositoryName="demo-ours", tags=[settings.TAG])
    public.create_repository(repositoryName="theirs", tags=[{"Key": "made-by", "Value": "me"}])
    public.create_repository(repositoryName="untagged")
    assert plain.clean_up()["public"] == ["demo-ours"]
    assert "✔ public repositories deleted: demo-ours\n" in capsys.readouterr().out
    assert {each["repositoryName"] for each in public.describe_repositories()["repositories"]} == {"theirs", "untagged"}
    cleanup.delete_public()
    assert capsys.readouterr().out == "✔ deleted if present: public repositories of this tutorial\n"


def test_the_address_of_a_deleted_repository_stays_in_the_ledger_until_its_images_are_gone(plain, public):
    """A kill may come between the two, and only the address leads to the images in the engine."""
    made = public.create_repository(repositoryName="demo-ours", tags=[settings.TAG])["repository"]
    plain.clean_up()  # without an engine
    assert [(entry.kind, entry.name) for entry in ledger.entries(plain.account)] == [("image", made["repositoryUri"])]
