"""The entry of the menu that a page belongs to."""

import pytest

from ecr_sandbox.console import navigation

LIST = "/ecr/private-registry/repositories"


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        (LIST, LIST),
        ("/ecr/repositories/private/team/app/_/edit", LIST),
        ("/ecr/create-repository", LIST),
        ("/ecr/repositories/public/app", "/ecr/public-registry/repositories"),
        ("/iam/users/ann", "/iam/users"),
        ("/ecs/task-definitions/app", "/ecs/task-definitions"),
        ("/switch-user", "/switch-user"),
    ],
)
def test_the_entry_of_a_page(path, entry):
    assert navigation.entry_of(path) == entry


def test_every_entry_is_its_own(console):
    for _, pages in navigation.NAVIGATION:
        for text, path in pages:
            assert navigation.entry_of(path) == path, text


def test_the_entry_is_marked(console, repository):
    page = console.get(f"/ecr/repositories/private/{repository}")
    assert f'{LIST}" aria-current="true">Repositories</a>' in page
    assert f'{LIST}" aria-current="page">Repositories</a>' in console.get(LIST)
