"""What AWS does not list or delete is reported, never passed over: it may still cost money."""

import pytest

from ecr_sandbox import SandboxError
from helpers import cleanup, settings
from helpers.exercises import checks

LISTS = {
    "ecs:ListClusters": "clusters",
    "ecs:DescribeClusters": "clusters",
    "ecs:ListTaskDefinitionFamilies": "task definitions",
    "logs:DescribeLogGroups": "log groups",
    "lambda:ListFunctions": "functions",
    "ecr:DescribeRepositories": "repositories",
    "ecr:ListTagsForResource": "repositories",
    "ecr-public:DescribeRepositories": "public repositories",
    "iam:ListUsers": "users",
    "iam:ListUserTags": "users",
    "iam:ListRoles": "roles",
    "iam:ListPolicies": "policies",
}


@pytest.fixture
def lab(plain, monkeypatch):
    """A lab without an engine in which a cluster, a repository and a user of the tutorial exist."""
    monkeypatch.setattr("helpers.cleanup.local_images", lambda _: [])
    tag = {name.lower(): value for name, value in settings.TAG.items()}
    plain.client("ecs").create_cluster(clusterName="demo-cluster", tags=[tag])
    plain.client().create_repository(repositoryName="demo-ours", tags=[settings.TAG])
    plain.client("iam").create_user(UserName="demo-ours", Tags=[settings.TAG])
    return plain


@pytest.fixture
def deny(lab, deny):
    """The lab exists before somebody is denied something."""
    return deny


def test_what_is_not_listed_is_an_error_and_not_empty(lab, deny):
    for action, kind in LISTS.items():
        deny(action)
        with pytest.raises(SandboxError) as raised:
            cleanup.everything_made(lab)
        assert str(raised.value).startswith(f"What is left is not known: {kind}: unknown, {action} is not allowed.")
        done, line = checks.verdict("14.2")
        assert not done
        assert "could not be checked" in line and action in line


def test_clean_up_reports_what_was_not_listed_and_deletes_the_rest(lab, deny, capsys):
    deny(*LISTS)
    result = lab.clean_up()
    assert [result[part] for part in ("workloads", "repositories", "iam")] == [[], [], []]
    printed = capsys.readouterr().out
    assert "none was left" not in printed.replace("images deleted from this machine: none was left", "")
    assert "✗ The rest may still exist and cost money. Fix: allow what is missing" in printed
    for problem in result["problems"]:
        assert f"✗ {problem}\n" in printed
    deny("ecs:ListClusters")
    result = lab.clean_up()
    assert [result[part] for part in ("workloads", "repositories", "iam")] == [[], ["demo-ours"], ["user demo-ours"]]
    assert result["problems"][0] == "clusters: unknown, ecs:ListClusters is not allowed"
    deny("ecs:Anything")
    assert lab.clean_up()["workloads"] == ["cluster demo-cluster"]


def test_clean_up_reports_what_was_not_deleted_and_deletes_the_rest(lab, deny, capsys):
    deny("ecs:DeleteCluster", "ecr:DeleteRepository", "iam:DeleteUser")
    result = lab.clean_up()
    assert [result[part] for part in ("workloads", "repositories", "iam")] == [[], [], []]
    assert result["problems"][:3] == [
        "cluster demo-cluster was not deleted: ecs:DeleteCluster is not allowed",
        "repository demo-ours was not deleted: ecr:DeleteRepository is not allowed",
        "user demo-ours was not deleted: iam:DeleteUser is not allowed",
    ]
    deny("ecs:ListServices")
    result = lab.clean_up()
    assert [result[part] for part in ("workloads", "repositories", "iam")] == [[], ["demo-ours"], ["user demo-ours"]]
    assert "✗ cluster demo-cluster was not deleted: ecs:ListServices is not allowed" in capsys.readouterr().out


def test_deleting_before_a_lesson_reports_it_too(lab, deny, capsys):
    deny("ecs:ListClusters", "iam:ListRoles", "ecr-public:DescribeRepositories")
    lab.delete_workloads()
    lab.delete_iam()
    cleanup.delete_public()
    lines = capsys.readouterr().out.splitlines()
    assert [line[: line.index(":")] for line in lines] == ["✗ clusters", "✗ roles", "✗ public repositories"]
