"""The errors of ECR's API, and those for docker, when the registry does not store an image."""

import json

import pytest

from ecr_sandbox.registry import errors
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.services import image_errors
from ecr_sandbox.services.image_errors import api_exception, manifest_refused
from ecr_sandbox.state.store import Store
from tests.sandbox import api

ACCOUNT = "123456789012"
CASES = [
    (errors.TagImmutable("v1", "app"), "ImageTagAlreadyExistsException", 400, "TAG_INVALID"),
    (
        errors.LayersMissing(["sha256:aa"], "app", ACCOUNT),
        "LayersNotFoundException",
        404,
        "BLOB_UPLOAD_UNKNOWN",
    ),
    (
        errors.ReferencedImagesMissing(["sha256:aa"], "app", ACCOUNT),
        "ReferencedImagesNotFoundException",
        404,
        "MANIFEST_BLOB_UNKNOWN",
    ),
    (errors.DigestMismatch("sha256:aa", "app", ACCOUNT), "ImageDigestDoesNotMatchException", 400, "MANIFEST_INVALID"),
    (errors.QuotaExceeded("no more of this"), "LimitExceededException", 403, "DENIED"),
    (errors.ManifestInvalid("Invalid JSON syntax"), "InvalidParameterException", 405, "UNSUPPORTED"),
    (errors.NotAnImageInIndex("application/x"), "InvalidParameterException", 400, "MANIFEST_INVALID"),
]


@pytest.mark.parametrize("error, exception, status, code", CASES, ids=lambda each: type(each).__name__)
def test_the_api_and_the_registry_give_the_same_reason(error, exception, status, code):
    answered, refusal = api_exception(error), manifest_refused(error)
    assert answered.code == exception
    assert (refusal.status, refusal.code, refusal.message) == (status, code, answered.message)


def test_an_existing_image_is_an_error_in_the_api_only():
    error = api_exception(errors.ImageExists("sha256:aa", None, "app", ACCOUNT))
    assert error.code == "ImageAlreadyExistsException"
    assert "'null'" in error.message


def test_every_reason_has_an_error():
    covered = {type(error) for error, *_ in CASES} | {errors.ImageExists}
    assert {*errors.ImageError.__subclasses__(), *errors.ManifestInvalid.__subclasses__()} == covered


@pytest.fixture
def images(tmp_path):
    store = Store(tmp_path / "state.db")
    yield Images(store, ACCOUNT, "us-east-1", "app")
    store.close()


def image(name: str) -> Manifest:
    return Manifest.parse(json.dumps(api.manifest(annotations={"name": name})), None)


def test_a_repository_has_a_maximum_of_images(images, monkeypatch):
    """https://github.com/vllm-project/vllm/issues/48065; a further tag of an image that is there is no further image"""
    monkeypatch.setattr(image_errors, "MOST_IMAGES", 2)
    first, second, third = (image(name) for name in ("first", "second", "third"))
    for each in (first, second):
        image_errors.check_quotas(images, each.digest, None)
        images.put(each, None, False)
    image_errors.check_quotas(images, second.digest, "v1")
    with pytest.raises(errors.QuotaExceeded) as refused:
        image_errors.check_quotas(images, third.digest, "v1")
    assert refused.value.reason == (
        f"The repository with name 'app' in registry with id '{ACCOUNT}' already has the maximum allowed number of "
        "images which is '2'"
    )


def test_an_image_has_a_maximum_of_tags(images):
    """https://github.com/medic/cht-core/issues/11099"""
    only = image("only")
    for number in range(1000):
        image_errors.check_quotas(images, only.digest, f"v{number}")
        images.put(only, f"v{number}", False)
    image_errors.check_quotas(images, only.digest, "v7")
    with pytest.raises(errors.QuotaExceeded) as refused:
        image_errors.check_quotas(images, only.digest, "v1000")
    assert refused.value.reason == (
        f"Adding tag 'v1000' to an image in the repository with name 'app' in registry with id '{ACCOUNT}' exceeds "
        "the maximum allowed number of tags per image which is '1000'"
    )
