"""podman and buildah against the sandbox: they build, push and pull without a daemon."""

import json

import pytest

from tests.sandbox.client_programs import Client, client, context, media_types, need  # noqa: F401
from tests.sandbox.layouts import OCI_INDEX, OCI_MANIFEST, V2, V2_LIST

pytestmark = need("podman", "buildah", root=True)


@pytest.fixture
def podman(client):  # noqa: F811
    output = client.login("podman login --tls-verify=false --username AWS --password-stdin")
    assert "Login Succeeded!" in output
    return client


def delete(sandbox, repository):
    """podman and buildah cannot delete images in a registry; ``aws`` can."""
    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=v1")


@pytest.mark.parametrize(("format", "stored"), [("docker", V2), ("oci", OCI_MANIFEST)])
def test_podman_builds_pushes_lists_and_pulls(podman, sandbox, repository, format, stored):
    image = f"{sandbox.registry}/{repository}:v1"
    podman.run(f"podman build --format {format} --tag {image} {context(podman.home / 'app')}")
    podman.run(f"podman push --tls-verify=false --digestfile {podman.home / 'digest'} {image}")
    assert media_types(sandbox, repository) == {"v1": [stored]}
    [image_id] = sandbox.client().list_images(repositoryName=repository)["imageIds"]
    assert (podman.home / "digest").read_text() == image_id["imageDigest"]

    built = podman.run(f"podman image inspect --format '{{{{.Id}}}}' {image}")
    podman.run(f"podman rmi {image}")
    podman.run(f"podman pull --tls-verify=false {image}")
    assert podman.run(f"podman image inspect --format '{{{{.Id}}}}' {image}") == built
    listed = podman.run(f"podman search --tls-verify=false --list-tags {sandbox.registry}/{repository}")
    assert listed.split()[-2:] == [f"{sandbox.registry}/{repository}", "v1"]

    found = podman.run(f"podman search --tls-verify=false --limit 100 {sandbox.registry}/{repository}")
    assert f"{sandbox.registry}/{repository}" in found.split()

    delete(sandbox, repository)
    podman.run(f"podman rmi {image}")
    assert "Requested image not found" in podman.refused(f"podman pull --tls-verify=false {image}")


@pytest.mark.parametrize(("format", "index", "stored"), [("v2s2", V2_LIST, V2), ("oci", OCI_INDEX, OCI_MANIFEST)])
def test_buildah_pushes_two_platforms_under_one_tag(podman, sandbox, repository, format, index, stored):
    name = f"{sandbox.registry}/{repository}:v1"
    form = {"v2s2": "docker"}.get(format, format)
    for architecture in ("amd64", "arm64"):
        app = context(podman.home / architecture, architecture.encode())
        podman.run(f"buildah bud --format {form} --platform linux/{architecture} --manifest {name} {app}")
    podman.run(f"buildah manifest push --all --format {format} --tls-verify=false {name} docker://{name}")
    assert media_types(sandbox, repository) == {"v1": [index], "": [stored, stored]}

    podman.run(f"buildah manifest rm {name}")
    pulled = podman.run(f"buildah pull --quiet --tls-verify=false --arch arm64 {name}").splitlines()[-1]
    assert json.loads(podman.run(f"buildah inspect --type image {pulled}"))["OCIv1"]["architecture"] == "arm64"

    delete(sandbox, repository)
    assert media_types(sandbox, repository) == {"": [stored, stored]}
    output = podman.refused(f"buildah pull --policy always --tls-verify=false --arch arm64 {name}")
    assert "Requested image not found" in output


def test_buildah_pushes_an_image_built_without_a_dockerfile(podman, sandbox, repository):
    image = f"{sandbox.registry}/{repository}:v1"
    app = context(podman.home / "app")
    container = podman.run("buildah from scratch").strip()
    podman.run(f"buildah copy {container} {app / 'file'} /")
    podman.run(f"buildah commit --rm {container} {image}")
    podman.run(f"buildah push --tls-verify=false {image}")
    assert media_types(sandbox, repository) == {"v1": [OCI_MANIFEST]}


def test_podman_shows_the_error_for_a_missing_repository(podman, sandbox):
    image = f"{sandbox.registry}/no-such-repo:v1"
    message = "The repository with name 'no-such-repo' does not exist in the registry with id '123456789012'"
    podman.run(f"podman build --tag {image} {context(podman.home / 'app')}")
    assert message in podman.refused(f"podman push --tls-verify=false {image}")
    podman.run(f"podman rmi {image}")
    assert message in podman.refused(f"podman pull --tls-verify=false {image}")


def test_podman_shows_the_error_for_an_immutable_tag(podman, sandbox, repository):
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    image = f"{sandbox.registry}/{repository}:v1"
    for _ in range(2):
        podman.run(f"podman build --tag {image} {context(podman.home / 'app')}")
        output = podman.run(f"podman push --tls-verify=false {image} 2>&1 || true")
    assert f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten" in output


def test_podman_shows_the_error_for_a_user_without_permissions(podman, sandbox, repository, person, tmp_path):
    # Without ecr:BatchCheckLayerAvailability a push fails at a HEAD request, whose response has no message.
    person.may({"Action": ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability"], "Resource": "*"})
    its = Client(sandbox, tmp_path / "its", person.client())
    its.login("podman login --tls-verify=false --username AWS --password-stdin")
    image = f"{sandbox.registry}/{repository}:v1"
    its.run(f"podman build --tag {image} {context(its.home / 'app')}")
    for command, action in (("push", "InitiateLayerUpload"), ("pull", "BatchGetImage")):
        output = its.refused(f"podman {command} --tls-verify=false {image}")
        assert f"User: {person.arn} is not authorized to perform: ecr:{action} on resource: " in output


def test_podman_shows_the_error_for_a_wrong_password(client, sandbox):  # noqa: F811
    login = f"podman login --tls-verify=false --username AWS --password-stdin {sandbox.registry}"
    assert "400 (Bad Request)" in client.refused(f"{login} <<< not-a-password")
