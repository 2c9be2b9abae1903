"""Two learners share an account, each with a prefix: clean-up finds all that one of them made, and nothing else."""

import pytest

from helpers import cleanup, ledger, names, settings
from helpers.cleanup import kinds
from helpers.ledger import Entry
from tests.helpers.cleanup import one_of_each

MINE = {  # of one_of_each, by the part of a clean-up
    "workloads": ["cluster demo-cluster", "task definition demo-app:1", "log group /ecs/demo-app"],
    "repositories": ["demo-app-repo"],
    "public": ["demo-public-hello"],
    "iam": ["user demo-pusher", "role demo-deployer", "policy demo-push-policy"],
}


@pytest.fixture(autouse=True)
def no_images(monkeypatch):
    monkeypatch.setattr("helpers.cleanup.engine.clean_up", lambda *_: kinds.Outcome([], []))


@pytest.fixture
def prefix(monkeypatch):
    """``prefix("tom-")``: the run of a learner with this prefix."""

    def call(chosen: str) -> None:
        monkeypatch.setattr(settings, "PREFIX", chosen)
        monkeypatch.setattr("helpers.cleanup.workloads.LOG_GROUP_PREFIX", f"/ecs/{chosen}")

    return call


@pytest.fixture
def lab(on_aws):
    """A lab in which a learner with the default prefix made one thing of each kind, and has lost the ledger."""
    one_of_each.make(on_aws.client)
    return on_aws


def test_clean_up_of_another_learner_touches_nothing(lab, prefix, capsys):
    lab.client().create_repository(repositoryName="tom-app-repo", tags=[settings.TAG])
    lab.client("iam").create_user(UserName="tom-pusher", Tags=[settings.TAG])
    prefix("tom-")
    listed = lab.clean_up(dry_run=True)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "? left to other learners, because no name begins with tom-: cluster demo-cluster, repository demo-app-repo, "
        "public repository demo-public-hello, user demo-pusher, role demo-deployer, policy demo-push-policy"
    )
    done = lab.clean_up()
    for found in (listed, done):
        assert (found["repositories"], found["iam"]) == (["tom-app-repo"], ["user tom-pusher"])
        assert (found["workloads"], found["public"], found["problems"]) == ([], [], [])
    assert kinds.made(cleanup.all_kinds(lab)) == []
    prefix(settings.DEFAULT_PREFIX)
    assert lab.clean_up(dry_run=True) == {**MINE, "images": [], "problems": []}
    assert lab.clean_up() == {**MINE, "images": [], "problems": []}


@pytest.mark.parametrize("delete", [lambda lab: lab.delete_iam(), lambda lab: lab.delete_workloads()])
def test_the_cells_that_delete_a_part_touch_nothing_either(lab, prefix, delete):
    prefix("tom-")
    delete(lab)
    cleanup.delete_public()
    prefix(settings.DEFAULT_PREFIX)
    assert lab.clean_up(dry_run=True) == {**MINE, "images": [], "problems": []}


def test_after_a_change_of_the_prefix_the_ledger_finds_what_was_made_before(lab, prefix, capsys):
    entries = [("", "user", "demo-pusher"), (settings.REGION, "repository", "demo-app-repo")]
    ledger.note(*(Entry(lab.account, *each) for each in entries))
    prefix("my-course-")
    lab.clean_up(dry_run=True)
    printed = capsys.readouterr().out
    assert "✔ also to delete: user demo-pusher, repository demo-app-repo\n" in printed
    assert "my-course-: cluster demo-cluster, public repository" in printed
    assert lab.clean_up()["problems"] == []
    assert "✔ also deleted: user demo-pusher, repository demo-app-repo\n" in capsys.readouterr().out
    assert lab.clean_up()["problems"] == []
    assert ledger.entries() == []
    prefix(settings.DEFAULT_PREFIX)
    left = lab.clean_up(dry_run=True)
    assert (left["repositories"], "user demo-pusher" in left["iam"]) == ([], False)


@pytest.mark.parametrize(
    ("chosen", "name", "mine"),
    [
        ("demo-", "demo-app-repo", True),
        ("demo-", "/ecs/demo-app", True),
        ("demo-", "demo-app:3", True),
        ("demo-", "anatomy/hello", True),
        ("demo-", "left-behind", True),
        ("demo-", "tom-app-repo", False),
        ("demo-", "my-demo-app", False),
        ("demo-", "tom-anatomy/hello", False),
        ("tom-", "tom-anatomy/hello", True),
        ("tom-", "anatomy/hello", False),
        ("tom-", "/ecs/tom-app", True),
        ("tom-", "/ecs/demo-app", False),
        ("tom-", "tommy-app", False),
    ],
)
def test_a_name_shows_whose_it_is(prefix, chosen, name, mine):
    prefix(chosen)
    assert names.is_mine(name) is mine
