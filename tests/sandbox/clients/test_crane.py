"""crane against the sandbox: a registry client that needs no engine and stores no images."""

import json

import pytest

from tests.sandbox.client_programs import client, media_types, need  # noqa: F401
from tests.sandbox.layouts import OCI_INDEX, OCI_MANIFEST, V2, one_platform

pytestmark = need("crane")


@pytest.fixture
def crane(client):  # noqa: F811
    assert "logged in" in client.login("crane auth login --username AWS --password-stdin")
    return client


def test_push_list_copy_tag_pull_and_delete(crane, sandbox, repository, make_image):
    image, there = make_image("crane-test:v1"), f"{sandbox.registry}/{repository}"
    crane.run(f"docker save --output {crane.home / 'image.tar'} {image}")
    crane.run(f"crane push {crane.home / 'image.tar'} {there}:v1")
    crane.run(f"crane tag {there}:v1 v2")
    crane.run(f"crane copy {there}:v1 {there}:v3")
    assert crane.run(f"crane ls {there}").split() == ["v1", "v2", "v3"]
    assert media_types(sandbox, repository) == {tag: [V2] for tag in ("v1", "v2", "v3")}

    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    assert crane.run(f"crane digest {there}:v3").strip() == detail["imageDigest"]
    assert json.loads(crane.run(f"crane manifest {there}:v1"))["mediaType"] == V2
    crane.run(f"crane validate --remote {there}:v1")  # downloads each blob and checks its digest
    crane.run(f"crane pull {there}:v1 {crane.home / 'back.tar'}")

    crane.run(f"crane delete {there}@{detail['imageDigest']}")
    assert sandbox.client().list_images(repositoryName=repository)["imageIds"] == []


def test_catalog_follows_the_links_to_further_pages(crane, sandbox, repository):
    for number in range(101):
        sandbox.client().create_repository(repositoryName=f"{repository}/of-many/{number:03}")
    listed = crane.run(f"crane catalog {sandbox.registry}").split()
    assert [name for name in listed if "/of-many/" in name] == [f"{repository}/of-many/{n:03}" for n in range(101)]


def test_an_index_is_created_and_copied_to_another_repository(crane, sandbox, repository):
    there = f"{sandbox.registry}/{repository}"
    for architecture in ("amd64", "arm64"):
        one_platform(crane.home / architecture, architecture)
        crane.run(f"crane push {crane.home / architecture} {there}:{architecture}")
    crane.run(f"crane index append --manifest {there}:amd64 --manifest {there}:arm64 --tag {there}:v1")
    assert media_types(sandbox, repository)["v1"] == [OCI_INDEX]
    digest = crane.run(f"crane digest {there}:v1")

    sandbox.client().create_repository(repositoryName=f"{repository}-copy")
    crane.run(f"crane copy {there}:v1 {there}-copy:v1")
    assert crane.run(f"crane digest {there}-copy:v1") == digest
    assert media_types(sandbox, f"{repository}-copy") == {"v1": [OCI_INDEX], "": [OCI_MANIFEST, OCI_MANIFEST]}
    config = crane.run(f"crane config --platform linux/arm64 {there}-copy:v1")
    assert json.loads(config)["architecture"] == "arm64"


def test_errors_show_ecrs_message(crane, sandbox, repository):
    for name in ("one", "two"):
        one_platform(crane.home / name)
    message = "The repository with name 'no-such-repo' does not exist in the registry with id '123456789012'"
    assert message in crane.refused(f"crane push {crane.home / 'one'} {sandbox.registry}/no-such-repo:v1")
    assert message in crane.refused(f"crane ls {sandbox.registry}/no-such-repo")
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    there = f"{sandbox.registry}/{repository}:v1"
    crane.run(f"crane push {crane.home / 'one'} {there}")
    output = crane.refused(f"crane push {crane.home / 'two'} {there}")
    assert f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten" in output
