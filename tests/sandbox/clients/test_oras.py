"""oras against the sandbox: files as artifacts, and referrers of an image."""

import json

import pytest

from tests.sandbox.client_programs import client, need  # noqa: F401
from tests.sandbox.layouts import two_platforms

pytestmark = need("oras")
TYPE = "application/vnd.example.report"


@pytest.fixture
def oras(client):  # noqa: F811
    assert "Login Succeeded" in client.login("oras login --plain-http --username AWS --password-stdin")
    (client.home / "report.json").write_text('{"ok": true}')
    return client


def test_a_file_is_pushed_listed_pulled_and_deleted(oras, sandbox, repository):
    there = f"{sandbox.registry}/{repository}"
    oras.run(f"cd $HOME && oras push --plain-http --artifact-type {TYPE} {there}:v1 report.json:application/json")
    oras.run(f"oras tag --plain-http {there}:v1 v2")
    assert oras.run(f"oras repo tags --plain-http {there}").split() == ["v1", "v2"]
    assert repository in oras.run(f"oras repo ls --plain-http {sandbox.registry}").split()
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    assert detail["artifactMediaType"] == TYPE
    assert oras.run(f"oras resolve --plain-http {there}:v2").strip() == detail["imageDigest"]

    oras.run(f"oras pull --plain-http --output $HOME/back {there}:v1")
    assert (oras.home / "back" / "report.json").read_text() == '{"ok": true}'

    oras.run(f"oras manifest delete --plain-http --force {there}@{detail['imageDigest']}")
    assert oras.run(f"oras repo tags --plain-http {there}").split() == []


def test_referrers_of_an_image_are_discovered(oras, sandbox, repository):
    there = f"{sandbox.registry}/{repository}"
    subject = two_platforms(oras.home / "layout")
    oras.run(f"oras cp --from-oci-layout $HOME/layout:v1 --to-plain-http {there}:v1")
    attach = f"oras attach --plain-http --artifact-type {TYPE}"
    oras.run(f"cd $HOME && {attach} {there}:v1 report.json:application/json")

    discovered = json.loads(oras.run(f"oras discover --plain-http --format json {there}:v1"))
    found = discovered.get("referrers") or discovered["manifests"]  # the key since oras 1.3, and before
    assert [each["artifactType"] for each in found] == [TYPE]
    ecr = sandbox.client()
    [detail] = [
        each
        for each in ecr.describe_images(repositoryName=repository)["imageDetails"]
        if each["imageDigest"] == found[0]["digest"]
    ]
    assert detail["subjectManifestDigest"] == subject
    # For a registry without the referrers API, oras would push a tag "sha256-…".
    assert [
        image["imageTag"] for image in ecr.list_images(repositoryName=repository)["imageIds"] if "imageTag" in image
    ] == ["v1"]

    oras.run(f"oras cp --recursive --from-plain-http {there}:v1 --to-oci-layout $HOME/back:v1")
    assert (oras.home / "back" / "blobs" / "sha256" / found[0]["digest"].removeprefix("sha256:")).exists()


def test_errors_show_ecrs_message(oras, sandbox, repository):
    message = "The repository with name 'no-such-repo' does not exist in the registry with id '123456789012'"
    push = "cd $HOME && oras push --plain-http"
    # oras 1.2 sometimes panics when several parallel uploads are refused. One upload does not cause this.
    missing = f"{sandbox.registry}/no-such-repo"
    assert message in oras.refused(f"cd $HOME && oras blob push --plain-http {missing} report.json")
    assert message in oras.refused(f"oras repo tags --plain-http {missing}")
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    oras.run(f"{push} {sandbox.registry}/{repository}:v1 report.json")
    (oras.home / "report.json").write_text('{"ok": false}')
    output = oras.refused(f"{push} {sandbox.registry}/{repository}:v1 report.json")
    assert f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten" in output
