"""The repositories: list, create, delete."""

import html
import re
import uuid

import pytest

from tests.sandbox.console.pages import Console, text

LIST, CREATE, DELETE = "/ecr/private-registry/repositories", "/ecr/create-repository", "/ecr/delete-repository"


def new_name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def described(sandbox, name: str) -> dict:
    [found] = sandbox.client().describe_repositories(repositoryNames=[name])["repositories"]
    return found


def test_the_list_shows_uri_mutability_and_encryption(console, sandbox):
    name = new_name()
    sandbox.client().create_repository(
        repositoryName=name, imageTagMutability="IMMUTABLE", encryptionConfiguration={"encryptionType": "KMS"}
    )
    page = console.get(LIST, search=name)
    assert f'data-copy="{sandbox.registry}/{name}"' in page
    assert "Immutable AWS KMS" in text(page)


def test_search_order_and_pages(own_sandbox):
    console, ecr = Console(own_sandbox.start()), own_sandbox.client()
    for number in range(60):
        ecr.create_repository(repositoryName=f"team/app-{number:02}")
    first, second = console.get(LIST), console.get(LIST, page=2)
    assert "team/app-49" in first and "team/app-50" not in first and "Page 1 of 2" in text(first)
    assert "team/app-50" in second and "team/app-49" not in second
    assert "team/app-59" in console.get(LIST, descending=1)
    assert "1 of 60 repositories" in text(console.get(LIST, search="APP-33"))
    assert "No repository matches" in text(console.get(LIST, search="nothing"))
    assert "Page 2 of 2" in text(console.get(LIST, page=99))


def test_create_with_the_defaults(console, sandbox):
    name = new_name()
    shown = text(console.post(CREATE, name=name))
    assert f"Successfully created repository {name}." in shown
    assert f"aws ecr create-repository --repository-name {name}" in shown
    assert f'boto3.client("ecr").create_repository(repositoryName="{name}")' in shown
    assert f"Successfully created repository {name}." not in text(console.get(LIST))  # it is shown once
    assert described(sandbox, name)["imageTagMutability"] == "MUTABLE"


def test_create_with_every_option(console, sandbox):
    name = new_name()
    console.post(
        CREATE,
        name=name,
        mutability="IMMUTABLE",
        filter=["latest", "", "dev-*"],
        encryption="KMS",
        kms_key="",
        scan_on_push="1",
        tags="team=blue\n\ncost center = 7 ",
    )
    made = described(sandbox, name)
    assert made["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert [each["filter"] for each in made["imageTagMutabilityExclusionFilters"]] == ["latest", "dev-*"]
    assert made["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    tags = sandbox.client().list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "blue", "cost center": "7"}


def test_the_commands_that_are_shown_do_the_same(console, sandbox):
    """The line of the CLI, run in a shell, makes the repository that the form would make."""
    name = new_name()
    form = {"name": name, "mutability": "IMMUTABLE", "filter": ["latest"], "tags": "who=the blue team"}
    page = console.post(f"{CREATE}/check", **form)
    cli = html.unescape(re.findall(r'data-copy="(aws [^"]*)"', page)[0])
    sandbox.run(cli)
    assert described(sandbox, name)["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    tags = sandbox.client().list_tags_for_resource(resourceArn=described(sandbox, name)["repositoryArn"])["tags"]
    assert tags == [{"Key": "who", "Value": "the blue team"}]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("App", "The name contains 'A': use lower case letters"),
        ("a", "The name has 1 character: use 2 to 256."),
        ("a" * 257, "The name has 257 characters: use 2 to 256."),
        ("app..one", "with one separator between them"),
        ("app/", "with one separator between them"),
        ("app", "3 out of 256 characters maximum"),
    ],
)
def test_the_name_is_checked_while_it_is_written(console, name, hint):
    assert hint in text(console.post(f"{CREATE}/check", name=name))


def test_a_refused_name_keeps_what_was_entered(console):
    page = console.post(CREATE, 400, name="Bad Name", mutability="IMMUTABLE", tags="team=blue")
    assert "Invalid parameter at 'repositoryName' failed to satisfy constraint" in text(page)
    assert 'value="Bad Name"' in page
    assert 'value="IMMUTABLE" checked' in page
    assert "team=blue</textarea>" in page


def test_a_name_that_exists(console, repository):
    why = f"The repository with name '{repository}' already exists in the registry with id '123456789012'"
    assert why in text(console.post(CREATE, 400, name=repository))


def test_the_words_of_before_2024(console, sandbox):
    page = console.get(CREATE, words="before-2024")
    shown = text(page)
    order = ["Visibility settings", "Repository name", "Tag immutability", "Scan on push", "KMS encryption"]
    assert sorted(order, key=shown.index) == order
    assert ">Create repository</button>" in page
    name = new_name()
    console.post(f"{CREATE}?words=before-2024", name=name, visibility="private", mutability="IMMUTABLE", scan_on_push=1)
    assert described(sandbox, name)["imageTagMutability"] == "IMMUTABLE"


def test_the_words_of_2026(console):
    page = console.get(CREATE)
    shown = text(page)
    order = ["General settings", "Image tag settings", "Encryption settings", "Image scanning settings - deprecated"]
    assert sorted(order, key=shown.index) == order
    assert "Visibility" not in shown
    assert ">Create</button>" in page


def test_delete_needs_the_word(console, sandbox, repository):
    assert f"Delete repository {repository} permanently?" in text(console.get(DELETE, repository=repository))
    assert "To confirm, enter delete." in text(console.post(DELETE, 400, repository=repository, confirmation="yes"))
    assert described(sandbox, repository)
    shown = text(console.post(DELETE, repository=repository, confirmation="delete"))
    assert f"Successfully deleted repository {repository}." in shown
    assert repository not in console.get(LIST)


def test_delete_as_a_user_who_may_not(console, sandbox, person, repository):
    person.may({"Action": "ecr:DescribeRepositories", "Resource": "*"})
    console.switch(person.arn)
    shown = text(console.post(DELETE, 400, repository=repository, confirmation="delete"))
    assert f"User: {person.arn} is not authorized to perform: ecr:DeleteRepository" in shown
    assert described(sandbox, repository)


def test_the_dialog_is_a_part_of_a_page(console, repository):
    """htmx gets the content alone."""
    part = console.session.get(f"{console.url}{DELETE}?repository={repository}", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert 'id="dialog-title"' in part
