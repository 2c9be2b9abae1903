"""skopeo against the sandbox: it copies between registries, engines and folders and needs no engine."""

import json

import pytest

from tests.sandbox.client_programs import Client, client, need  # noqa: F401
from tests.sandbox.layouts import OCI_INDEX, OCI_MANIFEST, V2, two_platforms

pytestmark = need("skopeo")


@pytest.fixture
def skopeo(client):  # noqa: F811
    client.login("skopeo login --tls-verify=false --username AWS --password-stdin")
    return client


@pytest.mark.parametrize(("format", "stored"), [("v2s2", V2), ("oci", OCI_MANIFEST)])
def test_copy_from_the_engine_list_inspect_pull_and_delete(skopeo, sandbox, repository, make_image, format, stored):
    image = make_image(f"{sandbox.registry}/{repository}:local")
    there = f"docker://{sandbox.registry}/{repository}"
    skopeo.run(f"skopeo copy --dest-tls-verify=false --format {format} docker-daemon:{image} {there}:v1")
    skopeo.run(f"skopeo copy --src-tls-verify=false --dest-tls-verify=false {there}:v1 {there}:v2")

    assert json.loads(skopeo.run(f"skopeo list-tags --tls-verify=false {there}"))["Tags"] == ["v1", "v2"]
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    inspected = json.loads(skopeo.run(f"skopeo inspect --tls-verify=false {there}:v1"))
    assert detail["imageManifestMediaType"] == stored
    assert inspected["Digest"] == detail["imageDigest"]
    assert inspected["RepoTags"] == ["v1", "v2"]

    for kind in ("dir", "oci"):
        skopeo.run(f"skopeo copy --src-tls-verify=false {there}:v1 {kind}:{skopeo.home / kind}")
    taken = json.loads((skopeo.home / "dir" / "manifest.json").read_text())
    assert {part["digest"] for part in taken["layers"]} == set(inspected["Layers"])

    skopeo.run(f"skopeo delete --tls-verify=false {there}:v1")
    assert sandbox.client().list_images(repositoryName=repository)["imageIds"] == []  # skopeo deletes by digest


def test_an_index_or_one_of_its_platforms_is_copied(skopeo, sandbox, repository):
    digest = two_platforms(skopeo.home / "layout")
    here, there = f"oci:{skopeo.home / 'layout'}:v1", f"docker://{sandbox.registry}/{repository}"
    skopeo.run(f"skopeo copy --all --dest-tls-verify=false {here} {there}:all")
    skopeo.run(f"skopeo copy --override-arch arm64 --dest-tls-verify=false {here} {there}:arm")

    found = {
        image["imageDigest"]: image
        for image in sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    }
    assert found[digest]["imageManifestMediaType"] == OCI_INDEX
    assert found[digest]["imageTags"] == ["all"]
    assert len(found) == 3, "the index and the image of each platform, one of them tagged"

    skopeo.run(f"skopeo copy --all --src-tls-verify=false {there}:all oci:{skopeo.home / 'back'}:v1")
    assert json.loads((skopeo.home / "back" / "index.json").read_text())["manifests"][0]["digest"] == digest
    output = skopeo.run(f"skopeo --override-arch arm64 inspect --tls-verify=false {there}:all")
    assert json.loads(output)["Architecture"] == "arm64"


def test_skopeo_shows_the_error_for_an_immutable_tag(skopeo, sandbox, repository):
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    there = f"docker://{sandbox.registry}/{repository}:v1"
    for number in range(2):
        two_platforms(skopeo.home / f"layout{number}")
    copy = "skopeo copy --override-arch amd64 --dest-tls-verify=false"
    skopeo.run(f"{copy} oci:{skopeo.home / 'layout0'}:v1 {there}")
    skopeo.run(f"{copy} oci:{skopeo.home / 'layout0'}:v1 {there}")  # the same content does not move the tag
    output = skopeo.refused(f"{copy} oci:{skopeo.home / 'layout1'}:v1 {there}")
    assert (
        f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten because the "
        "tag is immutable." in output
    )


def test_skopeo_shows_the_error_for_a_missing_repository(skopeo, sandbox):
    two_platforms(skopeo.home / "layout")
    message = "The repository with name 'no-such-repo' does not exist in the registry with id '123456789012'"
    there = f"docker://{sandbox.registry}/no-such-repo"
    assert message in skopeo.refused(f"skopeo copy --dest-tls-verify=false oci:{skopeo.home / 'layout'}:v1 {there}:v1")
    assert message in skopeo.refused(f"skopeo inspect --tls-verify=false {there}:v1")
    # list-tags does not show ECR's message.
    assert "404 (Not Found)" in skopeo.refused(f"skopeo list-tags --tls-verify=false {there}")


def test_skopeo_shows_the_error_for_a_user_who_can_only_pull(skopeo, sandbox, repository, person, tmp_path):
    two_platforms(skopeo.home / "layout")
    there = f"docker://{sandbox.registry}/{repository}:v1"
    copy = f"skopeo copy --override-arch amd64 --dest-tls-verify=false oci:{skopeo.home / 'layout'}:v1 {there}"
    skopeo.run(copy)
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    person.may({"Action": ["ecr:GetAuthorizationToken", *pull], "Resource": "*"})
    its = Client(sandbox, tmp_path / "its", person.client())
    its.login("skopeo login --tls-verify=false --username AWS --password-stdin")
    its.run(f"skopeo copy --src-tls-verify=false {there} dir:{its.home / 'dir'}")
    two_platforms(its.home / "layout")
    output = its.refused(copy.replace(str(skopeo.home), str(its.home)))
    assert f"User: {person.arn} is not authorized to perform: ecr:InitiateLayerUpload on resource: " in output
    output = its.refused(f"skopeo delete --tls-verify=false {there}")
    assert f"User: {person.arn} is not authorized to perform: ecr:BatchDeleteImage on resource: " in output
