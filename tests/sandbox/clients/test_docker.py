"""docker against the sandbox: with the classic builder and with buildx, with and without attestations.

The tests start their own engines, because builds leave a cache. docker cannot list or delete images in a registry;
``aws`` can.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine import clients
from tests.sandbox.client_programs import Client, client, context, media_types, need  # noqa: F401
from tests.sandbox.engines import Engine
from tests.sandbox.layouts import OCI_INDEX, OCI_MANIFEST, V2, V2_LIST

DOCKERS = sorted({str(Path(found).resolve()) for found in (shutil.which("docker"), "/usr/bin/docker") if found})
BUILDX = clients.find("docker-buildx")

pytestmark = need("dockerd", "unshare", root=True)
needs_buildx = need("docker-buildx")
needs_newer_engine = need("newer-dockerd")


def has_buildkit_inside(docker: str) -> bool:
    """Whether this command has its own BuildKit; from version 23 on, docker uses buildx."""
    version = subprocess.run([docker, "--version"], capture_output=True, text=True).stdout
    return int(version.removeprefix("Docker version ").split(".")[0]) < 23


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine of the same version as this machine's."""
    engine = Engine("dockerd", tmp_path_factory.mktemp("engine"))
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def newer_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that stores images and indexes in containerd."""
    store = '{"features": {"containerd-snapshotter": true}}'
    engine = Engine("newer-dockerd", tmp_path_factory.mktemp("newer"), store)
    yield engine
    engine.stop()


@pytest.fixture
def docker(client: Client) -> Client:  # noqa: F811
    """The command with its own configuration and buildx, logged in; each test selects an engine."""
    if BUILDX:
        (client.home / "docker" / "cli-plugins").mkdir()
        (client.home / "docker" / "cli-plugins" / "docker-buildx").symlink_to(BUILDX)
    return client


def use(docker: Client, engine: Engine) -> None:
    docker.environ["DOCKER_HOST"] = engine.host
    assert "Login Succeeded" in docker.login("docker login --username AWS --password-stdin")


def pull_anew(docker: Client, image: str) -> str:
    docker.run(f"docker rmi --force {image}")
    return docker.run(f"docker pull {image}")


@pytest.mark.parametrize("command", DOCKERS)
def test_the_classic_builder_pushes_lists_pulls_and_deletes(docker, engine, sandbox, repository, command):
    use(docker, engine)
    docker.environ["DOCKER_BUILDKIT"] = "0"
    image = f"{sandbox.registry}/{repository}:v1"
    docker.run(f"{command} build --tag {image} {context(docker.home / 'app')}")
    assert "v1: digest: sha256:" in docker.run(f"{command} push {image}")
    assert media_types(sandbox, repository) == {"v1": [V2]}
    assert "Downloaded newer image" in pull_anew(docker, image)

    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=v1")
    assert "not found" in docker.refused(f"{command} rmi {image} && {command} pull {image}")


@pytest.mark.parametrize("command", [docker for docker in DOCKERS if has_buildkit_inside(docker)])
def test_the_engines_built_in_buildkit(docker, engine, sandbox, repository, command):
    use(docker, engine)
    image = f"{sandbox.registry}/{repository}:v1"
    docker.run(f"DOCKER_BUILDKIT=1 {command} build --tag {image} {context(docker.home / 'app')}")
    docker.run(f"{command} push {image}")
    assert media_types(sandbox, repository) == {"v1": [V2]}
    assert "Downloaded newer image" in pull_anew(docker, image)


@needs_buildx
def test_buildx_on_this_machines_engine_pushes_one_image(docker, engine, sandbox, repository):
    use(docker, engine)
    image = f"{sandbox.registry}/{repository}:v1"
    docker.run(f"docker buildx build --provenance=false --push --tag {image} {context(docker.home / 'app')}")
    assert media_types(sandbox, repository) == {"v1": [V2]}
    assert "Downloaded newer image" in pull_anew(docker, image)

    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=v1")
    assert "not found" in docker.refused(f"docker buildx imagetools inspect {image}")


@needs_buildx
@needs_newer_engine
def test_buildx_with_attestations_pushes_an_index_of_two(docker, newer_engine, sandbox, repository):
    use(docker, newer_engine)
    image = f"{sandbox.registry}/{repository}:v1"
    docker.run(f"docker buildx build --provenance=mode=max --push --tag {image} {context(docker.home / 'app')}")
    assert media_types(sandbox, repository) == {"v1": [OCI_INDEX], "": [OCI_MANIFEST, OCI_MANIFEST]}

    index = json.loads(docker.run(f"docker buildx imagetools inspect --raw {image}"))
    application, attestation = index["manifests"]
    assert attestation["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert attestation["annotations"]["vnd.docker.reference.digest"] == application["digest"]
    provenance = docker.run(f"docker buildx imagetools inspect --format '{{{{json .Provenance}}}}' {image}")
    assert json.loads(provenance)["SLSA"]["buildType"]  # read from a layer of the attestation
    assert "Downloaded newer image" in pull_anew(docker, image)

    output = sandbox.run(
        f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageDigest={application['digest']}"
    )
    assert "ImageReferencedByManifestList" in output
    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=v1")
    assert media_types(sandbox, repository) == {"": [OCI_MANIFEST, OCI_MANIFEST]}, (
        "the push stored three entries, two remain"
    )


@needs_buildx
@needs_newer_engine
def test_a_containerd_engine_pushes_the_attestation(docker, newer_engine, sandbox, repository):
    use(docker, newer_engine)
    image = f"{sandbox.registry}/{repository}:v1"
    docker.run(f"docker buildx build --provenance=true --tag {image} {context(docker.home / 'app')}")
    docker.run(f"docker push {image}")
    assert media_types(sandbox, repository) == {"v1": [OCI_INDEX], "": [OCI_MANIFEST, OCI_MANIFEST]}


@needs_buildx
@needs_newer_engine
def test_one_or_two_platforms_without_attestations(docker, newer_engine, sandbox, repository):
    use(docker, newer_engine)
    there = f"{sandbox.registry}/{repository}"
    build = f"docker buildx build --provenance=false --push {context(docker.home / 'app')}"
    docker.run(f"{build} --tag {there}:one")
    assert media_types(sandbox, repository) == {"one": [V2]}
    docker.run(f"{build} --platform linux/arm64,linux/s390x --tag {there}:two")
    assert media_types(sandbox, repository) == {"one": [V2], "two": [V2_LIST], "": [V2, V2]}
    docker.run(f"docker buildx imagetools create --tag {there}:moved {there}:two")  # changes the registry only
    assert media_types(sandbox, repository)["moved"] == [V2_LIST]
    docker.run(f"docker pull --platform linux/s390x {there}:moved")
    assert "no match for platform" in docker.refused(f"docker pull --platform linux/ppc64le {there}:moved")


@needs_buildx
@needs_newer_engine
def test_buildx_shows_a_refused_push(docker, newer_engine, sandbox, repository):
    use(docker, newer_engine)
    build = f"docker buildx build --provenance=false --push {context(docker.home / 'app')}"
    refused = docker.refused(f"{build} --tag {sandbox.registry}/no-such-repo:v1")
    assert "The repository with name 'no-such-repo' does not exist in the registry with id" in refused
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    docker.run(f"{build} --tag {sandbox.registry}/{repository}:v1")
    context(docker.home / "app")
    refused = docker.refused(f"{build} --tag {sandbox.registry}/{repository}:v1")
    assert f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten" in refused


@needs_buildx
@needs_newer_engine
def test_a_build_cache_is_stored_as_an_image_manifest_only(docker, newer_engine, sandbox, repository):
    use(docker, newer_engine)
    there, app = f"{sandbox.registry}/{repository}", context(docker.home / "app")
    cache = f"docker buildx build --provenance=false --cache-to type=registry,mode=max,ref={there}:cache"
    docker.refused(f"{cache},image-manifest=false {app}")
    docker.run(f"{cache} {app}")
    assert media_types(sandbox, repository) == {"cache": [OCI_MANIFEST]}
    docker.run("docker buildx prune --all --force")
    built = (
        f"docker buildx build --provenance=false --cache-from type=registry,ref={there}:cache --push --tag {there}:v1"
    )
    assert "CACHED" in docker.run(f"{built} {app}")
