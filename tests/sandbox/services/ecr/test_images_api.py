"""Images through the API: PutImage, tags, lists and deletion."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.api import CONFIG, INDEX, OCI, digest_of, image, index, manifest, put, upload
from tests.sandbox.conftest import layer

MISSING = digest_of(b"never sent")
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def ecr(sandbox):
    return sandbox.client()


@pytest.fixture
def images(ecr, repository):
    """Puts an image by name into the repository and returns its digest."""
    upload(ecr, repository, b"{}")
    return lambda name, tag=None, **more: image(ecr, repository, name, tag, **more)


def fill(sandbox, repository, count):
    """Write *count* tagged images to *repository* as rows of the database."""
    store = Store(sandbox.state / "state.db")
    try:
        rows = Images(store, settings.ACCOUNT, settings.REGION, repository)
        with store.change():
            for number in range(count):
                text = json.dumps(manifest(annotations={"number": str(number)}))
                rows.put(Manifest.parse(text, OCI), f"v{number:05}", immutable=False)
    finally:
        store.close()


def refused(call, **parameters):
    """Code and message of the error of *call*."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def about(ecr, repository, **more):
    return ecr.describe_images(repositoryName=repository, **more)["imageDetails"]


# --- PutImage ---------------------------------------------------------------------------------------------------------


@pytest.mark.operation("PutImage", "DescribeImages")
def test_the_size_is_the_sum_of_config_and_layers(ecr, repository):
    content = layer(b"hello")
    upload(ecr, repository, b"{}")
    upload(ecr, repository, content)
    text = json.dumps(manifest(layers=(content, content)), indent=1)
    began = int(time.time())
    assert put(ecr, repository, text, "v1") == digest_of(text.encode())
    [found] = about(ecr, repository)
    assert began <= found.pop("imagePushedAt").timestamp() <= time.time()
    assert found == {
        "registryId": settings.ACCOUNT,
        "repositoryName": repository,
        "imageDigest": digest_of(text.encode()),
        "imageTags": ["v1"],
        "imageSizeInBytes": len(content) + 2,  # a repeated layer is stored once
        "imageManifestMediaType": OCI,
        "artifactMediaType": CONFIG,
        "imageStatus": "ACTIVE",
    }


@pytest.mark.operation("PutImage", "DescribeImages")
def test_two_manifests_with_the_same_layers_are_two_images(ecr, repository, images):
    assert images("one") != images("two")
    assert len(about(ecr, repository)) == 2


@pytest.mark.operation("PutImage")
def test_the_given_digest_must_match_the_manifest(ecr, repository, images):
    text = json.dumps(manifest())
    code, message = refused(ecr.put_image, repositoryName=repository, imageManifest=text, imageDigest=MISSING)
    assert code == "ImageDigestDoesNotMatchException"
    assert message == (  # https://github.com/google/go-containerregistry/issues/1568
        f"The image with digest '{MISSING}' in repository '{repository}' and registry ID '123456789012' does not match "
        "the image digest that Amazon ECR has calculated."
    )
    ecr.put_image(repositoryName=repository, imageManifest=text, imageDigest=digest_of(text.encode()))


@pytest.mark.operation("PutImage")
def test_an_image_with_missing_layers_or_images_is_refused(ecr, repository, images):
    code, message = refused(
        ecr.put_image, repositoryName=repository, imageManifest=json.dumps(manifest(layers=(b"never sent",)))
    )
    assert code == "LayersNotFoundException"
    assert MISSING in message
    code, message = refused(ecr.put_image, repositoryName=repository, imageManifest=json.dumps(index(MISSING)))
    assert code == "ReferencedImagesNotFoundException"
    assert MISSING in message
    assert about(ecr, repository) == []


@pytest.mark.operation("PutImage")
def test_a_repeated_image_and_an_immutable_tag_are_different_errors(ecr, repository, images):
    one = images("one", "v1")
    assert refused(images, name="one", tag="v1") == (
        "ImageAlreadyExistsException",
        f"Image with digest '{one}' and tag 'v1' already exists in the repository with name '{repository}' "
        f"in registry with id '{settings.ACCOUNT}'",
    )
    assert refused(images, name="one")[0] == "ImageAlreadyExistsException"
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    assert refused(images, name="one", tag="v1")[0] == "ImageAlreadyExistsException"
    assert refused(images, name="two", tag="v1") == (
        "ImageTagAlreadyExistsException",
        f"The image tag 'v1' already exists in the '{repository}' repository and cannot be overwritten because "
        "the tag is immutable.",
    )
    assert images("one", "v2") == one


@pytest.mark.operation("PutImage")
@pytest.mark.parametrize("text", ["{", "[]", "1", '{"schemaVersion": 2}', '{"config": 1, "layers": []}', "x" * 5000])
def test_an_invalid_manifest_is_refused(ecr, repository, text):
    code, message = refused(ecr.put_image, repositoryName=repository, imageManifest=text)
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'ImageManifest' failed to satisfy constraint: '")


@pytest.mark.operation("PutImage")
def test_a_manifest_without_media_type_needs_the_parameter(ecr, repository, images):
    content = manifest()
    del content["mediaType"]
    given = {"repositoryName": repository, "imageManifest": json.dumps(content)}
    assert "'Invalid JSON syntax'" in refused(ecr.put_image, **given)[1]
    assert ecr.put_image(**given, imageManifestMediaType=OCI)["image"]["imageManifestMediaType"] == OCI


@pytest.mark.operation("PutImage")
@pytest.mark.parametrize(
    "changed, media_type",
    [({}, DOCKER), ({}, INDEX), ({"manifests": []}, None), ({"mediaType": INDEX}, None), ({"mediaType": "x/y"}, None)],
    ids=["another type", "an index type", "manifests field", "index media type", "unsupported media type"],
)
def test_a_manifest_with_a_contradictory_type_is_refused(ecr, repository, images, changed, media_type):
    text = json.dumps({**manifest(), **changed})
    more = {"imageManifestMediaType": media_type} if media_type else {}
    assert refused(ecr.put_image, repositoryName=repository, imageManifest=text, **more)[0] == (
        "InvalidParameterException"
    )
    assert about(ecr, repository) == []


@pytest.mark.operation("PutImage")
@pytest.mark.parametrize(
    "odd",
    [
        {"annotations": [1]},
        {"annotations": {"a": 1, "b": {"c": []}}},
        {"artifactType": ["x"]},
        {"config": {"digest": digest_of(b"{}"), "size": 2}},
        {"layers": [{"digest": digest_of(b"{}"), "size": 2}]},
        {"schemaVersion": "?"},
    ],
    ids=str,
)
def test_a_manifest_with_fields_of_another_type_is_refused(ecr, repository, images, odd):
    """registry/test_manifest_format.py has more; the sentence: https://github.com/boto/boto3/issues/3295"""
    text = json.dumps({**manifest(), **odd})
    assert refused(ecr.put_image, repositoryName=repository, imageManifest=text) == (
        "InvalidParameterException",
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
    )
    assert about(ecr, repository) == []


IMPOSSIBLE = [
    ({"imageTag": "1.0+x"}, "imageTag", "[a-zA-Z0-9-_.]+"),
    ({"imageTag": "two words"}, "imageTag", "[a-zA-Z0-9-_.]+"),
    ({"imageTag": "a/b"}, "imageTag", "[a-zA-Z0-9-_.]+"),
    ({"imageTag": "\u00e9"}, "imageTag", "[a-zA-Z0-9-_.]+"),
    ({"imageDigest": "None"}, "imageDigest", "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"),
    ({"imageDigest": "sha256:xyz", "imageTag": "v1"}, "imageDigest", "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"),
]
BY_ONE_ID = [
    "describe_image_replication_status",
    "describe_image_scan_findings",
    "start_image_scan",
    "update_image_storage_class",
]


@pytest.mark.operation("PutImage", "DescribeImages", "DescribeImageScanFindings", "StartImageScan")
@pytest.mark.operation("DescribeImageReplicationStatus", "UpdateImageStorageClass", "GetLifecyclePolicyPreview")
@pytest.mark.parametrize("operation", [*BY_ONE_ID, "describe_images", "get_lifecycle_policy_preview", "put_image"])
@pytest.mark.parametrize(("wanted", "field", "pattern"), IMPOSSIBLE, ids=str)
def test_an_id_that_no_image_can_have_is_refused(ecr, repository, images, operation, wanted, field, pattern):
    """DescribeImages: https://github.com/datawire/forge/issues/99 (tag), https://github.com/pulumi/pulumi-aws/issues/2466
    (digest). DescribeImageScanFindings: https://github.com/prowler-cloud/prowler/pull/603. The others alike."""
    given = {"imageId": wanted} if operation in BY_ONE_ID else {"imageIds": [wanted]}
    if operation == "put_image":
        given = {"imageManifest": json.dumps(manifest()), **wanted}
    elif operation == "update_image_storage_class":
        given["targetStorageClass"] = "ARCHIVE"
    elif operation == "get_lifecycle_policy_preview":
        rule = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
        policy = {"rules": [{"rulePriority": 1, "selection": rule, "action": {"type": "expire"}}]}
        ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=json.dumps(policy))
    assert refused(getattr(ecr, operation), repositoryName=repository, **given) == (
        "InvalidParameterException",
        f"Invalid parameter at '{field}' failed to satisfy constraint: 'must satisfy regular expression '{pattern}''",
    )


@pytest.mark.operation("ListImageReferrers")
def test_a_subject_that_no_image_can_be_is_refused(ecr, repository):
    code, message = refused(ecr.list_image_referrers, repositoryName=repository, subjectId={"imageDigest": "v1"})
    assert code == "InvalidParameterException"
    assert "'imageDigest'" in message


@pytest.mark.operation("PutImage")
def test_put_image_uses_the_given_registry(ecr, repository, images):
    text = json.dumps(manifest())
    given = {"repositoryName": repository, "imageManifest": text}
    assert refused(ecr.put_image, **given, registryId="999988887777")[0] == "AccessDeniedException"
    missing = {**given, "repositoryName": "no-such-repository"}
    assert refused(ecr.put_image, **missing)[0] == "RepositoryNotFoundException"
    assert ecr.put_image(**given, registryId=settings.ACCOUNT)["image"]["registryId"] == settings.ACCOUNT


# --- tags -------------------------------------------------------------------------------------------------------------


@pytest.mark.operation("PutImage", "DescribeImages", "ListImages")
def test_a_moved_tag_leaves_the_older_image_untagged(ecr, repository, images):
    old, new = images("old", "latest"), images("new", "latest")
    assert [(each["imageDigest"], each.get("imageTags")) for each in about(ecr, repository)] == [
        (old, None),
        (new, ["latest"]),
    ]
    assert ecr.list_images(repositoryName=repository)["imageIds"] == [
        {"imageDigest": old},
        {"imageDigest": new, "imageTag": "latest"},
    ]


@pytest.mark.operation("DescribeImages", "ListImages")
def test_lists_filter_by_tag_status_and_image_status(ecr, repository, images):
    old, new = images("old", "latest"), images("new", "latest")
    for some, expected in [
        ({"tagStatus": "TAGGED"}, [new]),
        ({"tagStatus": "UNTAGGED"}, [old]),
        ({"tagStatus": "ANY"}, [old, new]),
        ({"imageStatus": "ACTIVE"}, [old, new]),
        ({"imageStatus": "ANY", "tagStatus": "TAGGED"}, [new]),
        ({"imageStatus": "ARCHIVED"}, []),
    ]:
        assert [each["imageDigest"] for each in about(ecr, repository, filter=some)] == expected
        listed = ecr.list_images(repositoryName=repository, filter=some)["imageIds"]
        assert [each["imageDigest"] for each in listed] == expected
    ids = [{"imageDigest": old}, {"imageDigest": new}]
    [found] = about(ecr, repository, imageIds=ids, filter={"tagStatus": "TAGGED"})
    assert found["imageDigest"] == new


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.operation("DescribeImages", "ListImages")
def test_more_than_a_thousand_images_are_listed_in_pages_and_in_order(sandbox, ecr, repository):
    fill(sandbox, repository, 1203)
    tags = [f"v{number:05}" for number in range(1203)]
    for size, pages in [(None, 13), (1000, 2), (700, 2)]:
        config = {"PageSize": size} if size else {}
        for operation, key in [("list_images", "imageIds"), ("describe_images", "imageDetails")]:
            found = list(ecr.get_paginator(operation).paginate(repositoryName=repository, PaginationConfig=config))
            assert len(found) == pages
            assert [len(page[key]) for page in found[:-1]] == [size or 100] * (pages - 1)
            assert "nextToken" not in found[-1]
            rows = [row for page in found for row in page[key]]
            assert [row.get("imageTag") or row["imageTags"][0] for row in rows] == tags


@pytest.mark.operation("ListImages", "DescribeImages")
def test_a_page_can_end_between_two_tags_of_an_image(ecr, repository, images):
    one = images("one", "a")
    for tag in ("b", "c"):
        images("one", tag)
    two = images("two")
    expected = [*({"imageDigest": one, "imageTag": tag} for tag in "abc"), {"imageDigest": two}]
    pages = ecr.get_paginator("list_images").paginate(repositoryName=repository, PaginationConfig={"PageSize": 1})
    assert [row for page in pages for row in page["imageIds"]] == expected
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository, PaginationConfig={"PageSize": 1})
    assert [each["imageDigest"] for page in pages for each in page["imageDetails"]] == [one, two]


@pytest.mark.operation("ListImages", "DescribeImages")
def test_pages_are_stable_while_images_are_pushed_and_deleted(ecr, repository, images):
    one, two, three = images("one"), images("two"), images("three")
    first = ecr.describe_images(repositoryName=repository, maxResults=2)
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": one}])
    four = images("four")
    rest = ecr.describe_images(repositoryName=repository, maxResults=2, nextToken=first["nextToken"])
    found = [each["imageDigest"] for page in (first, rest) for each in page["imageDetails"]]
    assert found == [one, two, three, four]


@pytest.mark.operation("ListImages", "DescribeImages")
def test_a_page_token_is_opaque_and_valid_for_its_own_list(ecr, repository, images):
    for name in ("one", "two"):
        images(name)
    token = ecr.list_images(repositoryName=repository, maxResults=1)["nextToken"]
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    invalid = (
        "InvalidParameterException",
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'",
    )
    for given in ("1", "", token[:-1], token + "x"):
        assert refused(ecr.list_images, repositoryName=repository, nextToken=given) == invalid
    assert refused(ecr.list_images, repositoryName=other, nextToken=token) == invalid
    assert refused(ecr.describe_images, repositoryName=repository, nextToken=token) == invalid
    assert len(ecr.list_images(repositoryName=repository, nextToken=token)["imageIds"]) == 1


@pytest.mark.operation("DescribeImages")
@pytest.mark.parametrize("page", [{"maxResults": 10}, {"nextToken": "x"}], ids=["maxResults", "nextToken"])
def test_page_parameters_with_image_ids_are_refused(ecr, repository, images, page):
    digest = images("one")
    code, message = refused(ecr.describe_images, repositoryName=repository, imageIds=[{"imageDigest": digest}], **page)
    assert code == "InvalidParameterException"
    assert f"'{next(iter(page))}'" in message


def test_a_page_reads_no_more_rows_in_a_large_repository(sandbox, ecr, repository):
    """Counts database steps, not time: the last page of many images is found by its first row."""
    fill(sandbox, repository, 300)
    store = Store(sandbox.state / "state.db")
    try:
        rows = Images(store, settings.ACCOUNT, settings.REGION, repository)
        last = rows.page()[-2].id
        steps = []
        store.read().set_progress_handler(lambda: steps.append(1), 100)
        rows.page(size=2)
        first_page = len(steps)
        rows.page(after=last, size=2)
        assert len(steps) - first_page <= first_page + 2
    finally:
        store.close()


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.operation("BatchGetImage", "BatchDeleteImage")
@pytest.mark.parametrize("operation", ["batch_get_image", "batch_delete_image"])
def test_batch_operations_return_images_and_failures(ecr, repository, images, operation):
    one, two = images("one", "v1"), images("two", "v2")
    wanted = [
        ({"imageTag": "v3"}, "ImageNotFound"),
        ({"imageDigest": MISSING}, "ImageNotFound"),
        ({"imageDigest": two, "imageTag": "v1"}, "ImageTagDoesNotMatchDigest"),
        ({"imageDigest": MISSING, "imageTag": "v1"}, "ImageNotFound"),
        ({"imageDigest": "v1"}, "InvalidImageDigest"),
        ({"imageTag": "1.0+x"}, "InvalidImageTag"),
        ({}, "MissingDigestAndTag"),
        ({"imageTag": "v1", "imageDigest": one}, None),
    ]
    answer = getattr(ecr, operation)(repositoryName=repository, imageIds=[each for each, _ in wanted])
    assert [(each["imageId"], each["failureCode"]) for each in answer["failures"]] == wanted[:-1]
    assert all(each["failureReason"] for each in answer["failures"])
    ids = answer["imageIds"] if "imageIds" in answer else [each["imageId"] for each in answer["images"]]
    assert ids == [wanted[-1][0]]


@pytest.mark.operation("BatchGetImage", "BatchDeleteImage", "DescribeImages")
@pytest.mark.parametrize("operation", ["batch_get_image", "batch_delete_image", "describe_images"])
def test_more_than_a_hundred_ids_are_refused(ecr, repository, operation):
    code, message = refused(getattr(ecr, operation), repositoryName=repository, imageIds=[{"imageTag": "x"}] * 101)
    assert code == "InvalidParameterException"
    assert "'imageIds'" in message and "less than or equal to 100" in message


@pytest.mark.operation("DescribeImages")
def test_given_images_must_exist_and_keep_their_order(ecr, repository, images):
    digests = [images(name) for name in ("one", "two", "three")]
    ids = [{"imageDigest": each} for each in reversed(digests)]
    assert [each["imageDigest"] for each in about(ecr, repository, imageIds=ids)] == digests[::-1]
    assert refused(ecr.describe_images, repositoryName=repository, imageIds=[{"imageDigest": MISSING}]) == (
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:'{MISSING}', imageTag:'null'}} does not exist within the repository "
        f"with name '{repository}' in the registry with id '{settings.ACCOUNT}'",
    )
    assert refused(ecr.describe_images, repositoryName=repository, imageIds=[{}])[0] == "InvalidParameterException"


@pytest.mark.operation("BatchGetImage")
def test_a_manifest_is_converted_by_tag_and_unchanged_by_digest(ecr, repository, images):
    digest = images("one", "v1")
    ask = {"repositoryName": repository, "acceptedMediaTypes": [DOCKER]}
    [by_tag] = ecr.batch_get_image(**ask, imageIds=[{"imageTag": "v1"}])["images"]
    assert by_tag["imageManifestMediaType"] == json.loads(by_tag["imageManifest"])["mediaType"] == DOCKER
    assert by_tag["imageId"] == {"imageDigest": digest_of(by_tag["imageManifest"].encode()), "imageTag": "v1"}
    [by_digest] = ecr.batch_get_image(**ask, imageIds=[{"imageDigest": digest}])["images"]
    assert by_digest["imageManifestMediaType"] == OCI
    assert by_digest["imageId"] == {"imageDigest": digest}
    [as_it_is] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"]
    assert as_it_is["imageManifest"] == by_digest["imageManifest"]


# --- deletion ---------------------------------------------------------------------------------------------------------


@pytest.mark.operation("BatchDeleteImage")
def test_deleting_the_last_tag_or_the_digest_deletes_the_image(ecr, repository, images):
    one, two = images("one", "a"), images("two", "c")
    images("one", "b")
    untagged = images("three")

    def gone(**wanted):
        answer = ecr.batch_delete_image(repositoryName=repository, imageIds=[wanted])
        assert answer["failures"] == []
        return answer["imageIds"]

    assert gone(imageTag="a") == [{"imageDigest": one, "imageTag": "a"}]
    assert len(about(ecr, repository)) == 3
    assert gone(imageTag="c") == [{"imageDigest": two, "imageTag": "c"}]
    assert len(about(ecr, repository)) == 2
    images("one", "d")
    assert gone(imageDigest=one) == [{"imageDigest": one, "imageTag": tag} for tag in "bd"]
    assert gone(imageDigest=untagged) == [{"imageDigest": untagged}]
    assert about(ecr, repository) == []


@pytest.mark.operation("BatchDeleteImage", "DescribeImages")
def test_an_image_in_an_index_cannot_be_deleted(ecr, repository, images):
    child = images("child", "amd64")
    parent = put(ecr, repository, index(child), "v1")
    assert parent == digest_of(json.dumps(index(child)).encode())
    [found] = about(ecr, repository, imageIds=[{"imageTag": "v1"}])
    assert (found["imageManifestMediaType"], found["imageSizeInBytes"]) == (INDEX, 2)
    # Deleting its last tag would delete the image.
    for wanted in ({"imageDigest": child}, {"imageTag": "amd64"}):
        [failure] = ecr.batch_delete_image(repositoryName=repository, imageIds=[wanted])["failures"]
        assert failure == {
            "imageId": wanted,
            "failureCode": "ImageReferencedByManifestList",
            "failureReason": f"Requested image referenced by manifest list: [{parent}]",
        }
    images("child", "x86")
    assert ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "x86"}])["failures"] == []
    both = [{"imageDigest": parent}, {"imageDigest": child}]
    [failure] = ecr.batch_delete_image(repositoryName=repository, imageIds=both[::-1])["failures"]
    assert failure["imageId"] == {"imageDigest": child}
    assert len(about(ecr, repository)) == 1
    parent = put(ecr, repository, index(child), "v1")
    both[0]["imageDigest"] = parent
    assert ecr.batch_delete_image(repositoryName=repository, imageIds=both)["failures"] == []
    assert about(ecr, repository) == []


# --- referrers and scans ----------------------------------------------------------------------------------------------


@pytest.mark.operation("ListImageReferrers", "DescribeImages")
def test_referrers_are_listed_by_type_and_in_pages(ecr, repository, images):
    subject = images("app", "v1")
    descriptor = {"mediaType": OCI, "digest": subject, "size": 1}
    kinds = ["application/spdx+json", "application/vnd.cncf.notary.signature", "application/spdx+json"]
    made = [images(f"about {number}", subject=descriptor, artifactType=kind) for number, kind in enumerate(kinds)]
    images("about another", subject={**descriptor, "digest": MISSING})
    ask = {"repositoryName": repository, "subjectId": {"imageDigest": subject}}
    found = ecr.list_image_referrers(**ask)["referrers"]
    assert [each["digest"] for each in found] == made
    text = json.dumps(manifest(annotations={"name": "about 0"}, subject=descriptor, artifactType=kinds[0]))
    assert found[0] == {
        "digest": made[0],
        "mediaType": OCI,
        "artifactType": kinds[0],
        "size": len(text),
        "annotations": {"name": "about 0"},
        "artifactStatus": "ACTIVE",
    }
    for some, expected in [
        ({"artifactTypes": kinds[:1]}, [made[0], made[2]]),
        ({"artifactTypes": kinds[:2], "artifactStatus": "ANY"}, made),
        ({"artifactStatus": "ARCHIVED"}, []),
    ]:
        assert [each["digest"] for each in ecr.list_image_referrers(**ask, filter=some)["referrers"]] == expected
        first = ecr.list_image_referrers(**ask, filter=some, maxResults=1)
        digests = [each["digest"] for each in first["referrers"]]
        while "nextToken" in first:
            first = ecr.list_image_referrers(**ask, filter=some, maxResults=1, nextToken=first["nextToken"])
            digests += [each["digest"] for each in first["referrers"]]
        assert digests == expected
    assert ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": made[0]})["referrers"] == []
    [found] = about(ecr, repository, imageIds=[{"imageDigest": made[0]}])
    assert (found["subjectManifestDigest"], found["artifactMediaType"]) == (subject, kinds[0])


@pytest.mark.operation("ListImageReferrers")
def test_a_page_has_twenty_referrers(ecr, repository, images):
    subject = images("app")
    for number in range(21):
        images(str(number), subject={"mediaType": OCI, "digest": subject, "size": 1})
    answer = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject})
    assert len(answer["referrers"]) == 20
    assert answer["nextToken"]


@pytest.mark.operation("DescribeImageScanFindings")
def test_an_image_without_a_scan_has_no_findings(ecr, repository, images):
    digest = images("one", "v1")
    ask = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    assert refused(ecr.describe_image_scan_findings, **ask)[0] == "ScanNotFoundException"
    assert refused(ecr.describe_image_scan_findings, **{**ask, "imageId": {"imageDigest": MISSING}})[0] == (
        "ImageNotFoundException"
    )
    assert refused(ecr.describe_image_scan_findings, **{**ask, "imageId": {"imageDigest": "None"}}) == (
        "InvalidParameterException",
        "Invalid parameter at 'imageDigest' failed to satisfy constraint: "
        "'must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+''",
    )
    assert "imageScanStatus" not in about(ecr, repository, imageIds=[{"imageDigest": digest}])[0]
