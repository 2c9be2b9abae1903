"""The layer operations: docker can pull what the API uploads, and the API can download what docker pushes."""

import json
import os
import subprocess
import urllib.error
import urllib.request
import uuid

import pytest

from helpers import settings
from tests.sandbox.api import PART, digest_of, manifest, put, upload
from tests.sandbox.conftest import layer

MISSING = digest_of(b"never sent")


@pytest.fixture(scope="module")
def ecr(sandbox):
    return sandbox.client()


@pytest.fixture
def new_upload(ecr, repository):
    """The parameters that identify a new upload."""
    answer = ecr.initiate_layer_upload(repositoryName=repository)
    assert answer["partSize"] == 10 * 1024 * 1024
    return {"repositoryName": repository, "uploadId": answer["uploadId"]}


def download(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
        return answer.read()


@pytest.mark.operation(
    "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "BatchCheckLayerAvailability", "PutImage"
)
def test_docker_pulls_an_image_that_boto3_pushed(sandbox, ecr, repository):
    content = layer(os.urandom(PART + 1000))
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content)]},
        }
    ).encode()
    upload(ecr, repository, config)
    upload(ecr, repository, content[:PART], content[PART:])
    sizes = {digest_of(each): len(each) for each in (content, config)}
    found = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[*sizes, MISSING])
    assert found["layers"] == [
        *({"layerDigest": each, "layerAvailability": "AVAILABLE", "layerSize": sizes[each]} for each in sizes),
        {"layerDigest": MISSING, "layerAvailability": "UNAVAILABLE"},
    ]
    digest = put(ecr, repository, manifest(config, (content,)), "v1")
    name = f"{sandbox.registry}/{repository}:v1"
    try:
        assert f"Digest: {digest}" in sandbox.run(f"docker pull {name}")
        saved = subprocess.run(
            ["docker", "image", "inspect", name, "--format", "{{json .RootFS.Layers}}"],
            capture_output=True,
            check=True,
            text=True,
        )
        assert json.loads(saved.stdout) == [digest_of(content)]
    finally:
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True)


@pytest.mark.operation("BatchGetImage", "GetDownloadUrlForLayer")
def test_boto3_pulls_an_image_that_docker_pushed(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [found] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"]
    text = found["imageManifest"]
    assert digest_of(text.encode()) == found["imageId"]["imageDigest"]
    content = json.loads(text)
    for part in (content["config"], *content["layers"]):
        answer = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=part["digest"])
        assert answer["layerDigest"] == part["digest"]
        assert digest_of(download(answer["downloadUrl"])) == part["digest"]


@pytest.mark.operation("GetDownloadUrlForLayer")
def test_only_a_layer_of_an_image_has_a_download_url(ecr, repository):
    with pytest.raises(ecr.exceptions.LayersNotFoundException) as refused:
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=MISSING)
    # https://github.com/monken/aws-ecr-public/issues/11
    assert refused.value.response["Error"]["Message"] == (
        f"The layer with digest '{MISSING}' does not exist within the repository with name '{repository}' "
        f"in the registry with id '{settings.ACCOUNT}'"
    )
    digest = upload(ecr, repository, b"{}")
    with pytest.raises(ecr.exceptions.LayerInaccessibleException, match="not associated with an image"):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)
    put(ecr, repository, manifest())
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)["downloadUrl"]
    assert download(url) == b"{}"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        download(url[:-1] + ("0" if url[-1] != "0" else "1"))


@pytest.mark.operation("UploadLayerPart")
def test_parts_must_be_consecutive_and_of_the_given_length(ecr, repository, new_upload):
    answer = ecr.upload_layer_part(**new_upload, partFirstByte=0, partLastByte=PART - 1, layerPartBlob=bytes(PART))
    assert answer["lastByteReceived"] == PART - 1
    assert {name: answer[name] for name in new_upload} == new_upload
    for first, last in [(PART + 1, PART + 3), (0, 2), (PART, PART + 3), (PART, PART + 1), (PART, 0)]:
        with pytest.raises(ecr.exceptions.InvalidLayerPartException) as refused:
            ecr.upload_layer_part(**new_upload, partFirstByte=first, partLastByte=last, layerPartBlob=b"xyz")
        response = refused.value.response
        assert response["lastValidByteReceived"] == PART - 1
        assert {name: response[name] for name in new_upload} == new_upload
        assert response["registryId"] == "123456789012"
    ecr.upload_layer_part(**new_upload, partFirstByte=PART, partLastByte=PART + 2, layerPartBlob=b"xyz")
    ecr.complete_layer_upload(**new_upload, layerDigests=[digest_of(bytes(PART) + b"xyz")])


@pytest.mark.operation("UploadLayerPart")
@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (0, f"First byte of the layer part is 0 instead of {PART}"),
        (PART + 1, f"First byte of the layer part is {PART + 1} instead of {PART}"),
    ],
)
def test_a_part_at_the_wrong_place_is_named_as_on_ecr(ecr, new_upload, first, sentence):
    """The sentence: https://github.com/apple/containerization/issues/790."""
    ecr.upload_layer_part(**new_upload, partFirstByte=0, partLastByte=PART - 1, layerPartBlob=bytes(PART))
    with pytest.raises(ecr.exceptions.InvalidLayerPartException) as refused:
        ecr.upload_layer_part(**new_upload, partFirstByte=first, partLastByte=first + 2, layerPartBlob=b"xyz")
    assert refused.value.response["Error"]["Message"] == sentence


@pytest.mark.operation("UploadLayerPart", "CompleteLayerUpload")
@pytest.mark.parametrize("parts", [(b"abc", b"def"), (b"abc", bytes(PART)), (bytes(PART), b"abc", b"def")])
def test_a_small_part_before_the_last_one_is_refused_when_the_upload_is_completed(ecr, new_upload, parts):
    """The API reference has LayerPartTooSmallException for CompleteLayerUpload only.

    The sentence: https://github.com/dotnet/sdk-container-builds/issues/424.
    """
    at = 0
    for part in parts:
        ecr.upload_layer_part(**new_upload, partFirstByte=at, partLastByte=at + len(part) - 1, layerPartBlob=part)
        at += len(part)
    for _ in range(2):
        with pytest.raises(ecr.exceptions.LayerPartTooSmallException) as refused:
            ecr.complete_layer_upload(**new_upload, layerDigests=[digest_of(b"".join(parts))])
        message = refused.value.response["Error"]["Message"]
        assert message == "All layer parts except the last part should be at least 5MB"


@pytest.mark.operation("CompleteLayerUpload")
def test_an_empty_existing_or_mismatched_layer_is_refused(ecr, repository, new_upload):
    with pytest.raises(ecr.exceptions.EmptyUploadException) as refused:
        ecr.complete_layer_upload(**new_upload, layerDigests=[MISSING])
    assert refused.value.response["Error"]["Message"] == (  # https://github.com/devcontainers/cli/issues/814
        f"The upload with id '{new_upload['uploadId']}' in the repository with name '{repository}' in registry with id "
        "'123456789012' cannot be completed because it does not have any parts"
    )
    about = {"partFirstByte": 0, "partLastByte": 2, "layerPartBlob": b"abc"}
    ecr.upload_layer_part(**new_upload, **about)
    with pytest.raises(ecr.exceptions.InvalidLayerException, match="None of the provided layer digests match"):
        ecr.complete_layer_upload(**new_upload, layerDigests=[MISSING])
    digest = upload(ecr, repository, b"abc")
    again = {**new_upload, "uploadId": ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]}
    ecr.upload_layer_part(**again, **about)
    with pytest.raises(ecr.exceptions.LayerAlreadyExistsException, match=digest):
        ecr.complete_layer_upload(**again, layerDigests=[digest])


@pytest.mark.operation("UploadLayerPart", "CompleteLayerUpload")
def test_an_upload_belongs_to_its_repository_until_it_is_complete(ecr, repository, new_upload):
    ecr.create_repository(repositoryName=f"{repository}-other")
    part = {"partFirstByte": 0, "partLastByte": 2, "layerPartBlob": b"abc"}
    ecr.upload_layer_part(**new_upload, **part)
    digest = digest_of(b"abc")
    unknown = [
        {**new_upload, "uploadId": str(uuid.uuid4())},
        {**new_upload, "repositoryName": f"{repository}-other"},
    ]
    for about in unknown:
        with pytest.raises(ecr.exceptions.UploadNotFoundException):
            ecr.upload_layer_part(**about, partFirstByte=3, partLastByte=5, layerPartBlob=b"def")
        with pytest.raises(ecr.exceptions.UploadNotFoundException):
            ecr.complete_layer_upload(**about, layerDigests=[digest])
    ecr.complete_layer_upload(**new_upload, layerDigests=[digest])
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        ecr.complete_layer_upload(**new_upload, layerDigests=[digest])


@pytest.mark.operation("BatchCheckLayerAvailability")
def test_an_invalid_digest_is_a_failure_and_the_others_are_checked(ecr, repository):
    answer = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=["v1", "", MISSING])
    assert [(each["layerDigest"], each["failureCode"]) for each in answer["failures"]] == [
        ("v1", "InvalidLayerDigest"),
        ("", "MissingLayerDigest"),
    ]
    assert [each["layerDigest"] for each in answer["layers"]] == [MISSING]


@pytest.mark.operation("BatchCheckLayerAvailability")
def test_an_image_gives_its_config_and_layers_their_media_types(ecr, repository):
    """As the config in the AWS CLI's example: https://docs.aws.amazon.com/cli/latest/reference/ecr/
    batch-check-layer-availability.html#examples
    """
    digest, layer = upload(ecr, repository, b"{}"), upload(ecr, repository, b"a layer")
    both = {"repositoryName": repository, "layerDigests": [digest, layer]}
    assert ["mediaType" in each for each in ecr.batch_check_layer_availability(**both)["layers"]] == [False, False]
    content = manifest()
    config = {**content["config"], "mediaType": "application/vnd.docker.container.image.v1+json"}
    gzip = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": layer, "size": 7}
    put(ecr, repository, {**content, "config": config, "layers": [gzip]})
    assert [
        (each["mediaType"], each["layerSize"]) for each in ecr.batch_check_layer_availability(**both)["layers"]
    ] == [
        ("application/vnd.docker.container.image.v1+json", 2),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", 7),
    ]


@pytest.mark.operation("InitiateLayerUpload", "PutImage")
def test_a_layer_belongs_to_its_repository(ecr, repository):
    """A layer of one repository is not available in another."""
    upload(ecr, repository, b"{}")
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    [found] = ecr.batch_check_layer_availability(repositoryName=other, layerDigests=[digest_of(b"{}")])["layers"]
    assert found["layerAvailability"] == "UNAVAILABLE"
    with pytest.raises(ecr.exceptions.LayersNotFoundException, match=digest_of(b"{}")):
        put(ecr, other, manifest(), "v1")
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.initiate_layer_upload(repositoryName="no-such-repository")
