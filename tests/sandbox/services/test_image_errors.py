"""The errors of ECR's API, and those for docker, when the registry does not store an image."""

import pytest

from ecr_sandbox.registry import errors
from ecr_sandbox.services.image_errors import api_exception, manifest_refused

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
