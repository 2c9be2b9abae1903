"""The archive storage class: an archived image cannot be pulled until it is restored or pushed again."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.registry.errors import ImageExists
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest, blobs_of
from ecr_sandbox.services.ecr import archive
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store
from tests.sandbox import api
from tests.sandbox.api import OCI, digest_of, image, index, put, upload


def manifest(name):
    return Manifest.parse(json.dumps(api.manifest(annotations={"name": name})), None)


def test_a_restored_image_is_activating_first_and_lists_filter_by_status(store):
    images = Images(store, "1", "r", "app")
    kept, moved = (images.put(manifest(name), name, False) for name in ("kept", "moved"))
    images.archive(moved)
    assert [each.digest for each in images.page(status="ARCHIVED")] == [moved.digest]
    assert [digest for _, digest, _ in images.ids(status="ACTIVE")] == [kept.digest]
    images.restore(images.find(tag="moved"), int(clock.now()) + 600)
    assert [each.status for each in images.all()] == ["ACTIVE", "ACTIVATING"]
    assert [each.digest for each in images.page(status="ACTIVATING", tagged=True)] == [moved.digest]
    clock.forward(store, 601)
    assert [each.status for each in images.page(status="ACTIVE")] == ["ACTIVE", "ACTIVE"]


def test_a_layer_is_archived_when_all_its_images_are_archived(store):
    changes = {"archived": [], "restored": []}
    images = Images(store, "1", "r", "app", archived=changes["archived"].append, restored=changes["restored"].append)
    one, two = (images.put(manifest(name), name, False) for name in ("one", "two"))
    config = digest_of(b"{}")
    images.archive(one)
    assert (images.is_archived(config), changes["archived"]) == (False, [])  # the other image has it too
    images.archive(images.find(tag="two"))
    assert (images.is_archived(config), changes["archived"]) == (True, [2])
    images.put(manifest("three"), "three", False)  # an active image with the same config
    assert (images.is_archived(config), changes["archived"]) == (False, [2, -2])
    images.delete(images.find(tag="three").digest)
    assert changes["archived"] == [2, -2, 2]
    images.restore(images.find(tag="one"), 0)
    assert (images.is_archived(config), changes) == (False, {"archived": [2, -2, 2], "restored": [2]})
    images.delete(one.digest)
    images.delete()
    assert (sum(changes["archived"]) - sum(changes["restored"]), images.is_archived(config)) == (0, False)
    assert two.digest


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "archive", "restore", "delete"]), st.integers(0, 3)), min_size=1, max_size=25
)
LAYERS = {0: (1, 2), 1: (2, 4), 2: (4,), 3: (1, 8)}  # images, and the sizes of their layers, which are also their names


def of_layers(number):
    config, *parts = [
        {"mediaType": api.TAR, "digest": f"sha256:{name:064x}", "size": size}
        for name, size in [(100 + number, 16), *zip(LAYERS[number], LAYERS[number], strict=True)]
    ]
    return Manifest.parse(json.dumps({**api.manifest(), "config": config, "layers": parts}), None)


@given(STEPS)
def test_archived_bytes_are_the_layers_of_archived_images_only(steps):
    with TemporaryDirectory() as folder:
        store, changes = Store(Path(folder) / "state.db"), []
        images = Images(store, "1", "r", "app", archived=changes.append, restored=lambda n: changes.append(-n))
        manifests = {number: of_layers(number) for number in LAYERS}
        for step, number in steps:
            image = images.find(digest=manifests[number].digest)
            if step == "put":
                with suppress(ImageExists):
                    images.put(manifests[number], None, False)
            elif image and step == "archive" and image.status == "ACTIVE":
                images.archive(image)
            elif image and step == "restore" and image.status == "ARCHIVED":
                images.restore(image, 0)
            elif image and step == "delete":
                images.delete(image.digest)
            blobs = {status: set() for status in ("ACTIVE", "ARCHIVED")}
            for each in images.all():
                blobs[each.status] |= set(blobs_of(each.manifest))
            only_archived = blobs["ARCHIVED"] - blobs["ACTIVE"]
            assert sum(changes) == sum(size for _, size in only_archived)
            assert {digest for digest, _ in only_archived} == {
                digest for digest, _ in blobs["ARCHIVED"] if images.is_archived(digest)
            }
        store.close()


def test_an_archived_image_that_is_pushed_again_is_active_immediately(store):
    images = Images(store, "1", "r", "app")
    images.archive(images.put(manifest("app"), "v1", False))
    assert images.put(manifest("app"), "v1", True).status == "ACTIVE"  # the same image, also with an immutable tag
    with pytest.raises(ImageExists):
        images.put(manifest("app"), "v1", True)


@pytest.mark.parametrize(
    ("status", "to", "listed_by", "reason"),
    [
        ("ACTIVE", "ARCHIVE", None, None),
        ("ARCHIVED", "STANDARD", None, None),
        ("ARCHIVED", "STANDARD", "sha256:i", None),
        ("ACTIVE", "STANDARD", None, "its status is ACTIVE"),
        ("ARCHIVED", "ARCHIVE", None, "its status is ARCHIVED"),
        ("ACTIVATING", "ARCHIVE", None, "its status is ACTIVATING"),
        ("ACTIVATING", "STANDARD", None, "its status is ACTIVATING"),
        ("ACTIVE", "ARCHIVE", "sha256:i", "it is referenced by manifest list: [sha256:i]"),
    ],
)
def test_allowed_storage_class_transitions(status, to, listed_by, reason):
    assert archive.why_not(status, to, listed_by) == reason


def status(ecr, repository, **wanted):
    [detail] = ecr.describe_images(repositoryName=repository, imageIds=[wanted])["imageDetails"]
    return detail["imageStatus"]


@pytest.mark.operation("UpdateImageStorageClass", "DescribeImages", "ListImages", "BatchGetImage")
def test_an_archived_image_is_listed_on_request_and_cannot_be_pulled(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "old", "v1")
    image(ecr, repository, "new", "v2")
    about = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    answer = ecr.update_image_storage_class(**about, targetStorageClass="ARCHIVE")
    assert (answer["imageStatus"], answer["imageId"]["imageTag"]) == ("ARCHIVED", "v1")

    for operation, found in ((ecr.list_images, "imageIds"), (ecr.describe_images, "imageDetails")):
        sizes = {}
        for wanted in (None, "ACTIVE", "ARCHIVED", "ACTIVATING", "ANY"):
            chosen = {"filter": {"imageStatus": wanted}} if wanted else {}
            sizes[wanted] = len(operation(repositoryName=repository, **chosen)[found])
        assert sizes == {None: 1, "ACTIVE": 1, "ARCHIVED": 1, "ACTIVATING": 0, "ANY": 2}
    [detail] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert detail["imageStatus"] == "ARCHIVED"
    assert detail["lastArchivedAt"] >= detail["imagePushedAt"]
    assert "lastActivatedAt" not in detail

    [failure] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["failures"]
    assert failure["failureCode"] == "ImageInaccessible"
    with pytest.raises(ClientError, match="ImageStorageClassUpdateNotSupportedException"):
        ecr.update_image_storage_class(**about, targetStorageClass="ARCHIVE")


@pytest.mark.operation("UpdateImageStorageClass")
def test_docker_does_not_find_an_archived_image_until_it_is_restored(sandbox, repository, make_image):
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name} && docker rmi {name}")
    about = f"--repository-name {repository} --image-id imageTag=v1 --query imageStatus --output text"
    assert sandbox.run(f"aws ecr update-image-storage-class {about} --target-storage-class ARCHIVE") == "ARCHIVED\n"
    assert "not found" in sandbox.refused(f"docker pull {name}")
    assert sandbox.run(f"aws ecr update-image-storage-class {about} --target-storage-class STANDARD") == "ACTIVATING\n"
    assert "not found" in sandbox.refused(f"docker pull {name}")
    sandbox.forward(20 * 60)
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    assert detail["lastActivatedAt"] > detail["lastArchivedAt"]


@pytest.mark.operation("UpdateImageStorageClass")
def test_docker_push_of_an_archived_image_restores_it(sandbox, repository, make_image):
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name}")
    ecr = sandbox.client()
    ecr.update_image_storage_class(repositoryName=repository, imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE")
    sandbox.run(f"docker push {name} && docker rmi {name} && docker pull {name} && docker rmi {name}")
    assert status(ecr, repository, imageTag="v1") == "ACTIVE"


@pytest.mark.operation("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchDeleteImage")
def test_layers_of_archived_images_only_are_archived(sandbox, repository):
    ecr = sandbox.client()
    layer = upload(ecr, repository, b"layer")
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1", layers=(b"layer",))
    image(ecr, repository, "two", "v2")
    ecr.update_image_storage_class(repositoryName=repository, imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE")
    parameters = {"repositoryName": repository, "layerDigests": [layer, digest_of(b"{}")]}
    found = {each["layerDigest"]: each for each in ecr.batch_check_layer_availability(**parameters)["layers"]}
    assert found[layer]["layerAvailability"] == "ARCHIVED"
    assert found[digest_of(b"{}")]["layerAvailability"] == "AVAILABLE"  # the other image has it too
    with pytest.raises(ClientError, match="is archived"):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)
    gone = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert gone["failures"] == []


@pytest.mark.operation("UpdateImageStorageClass", "ListImageReferrers")
def test_referrers_of_an_image_are_archived_with_it(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    subject = image(ecr, repository, "app", "v1")
    image(ecr, repository, "signature", subject={"mediaType": OCI, "digest": subject, "size": 1})
    parameters = {"repositoryName": repository, "subjectId": {"imageDigest": subject}}
    ecr.update_image_storage_class(repositoryName=repository, imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE")
    assert ecr.list_image_referrers(**parameters)["referrers"] == []
    headers = {"Authorization": sandbox.basic()}
    on_the_wire = sandbox.http("GET", f"/v2/{repository}/referrers/{subject}", **headers)[2]
    assert json.loads(on_the_wire)["manifests"] == []
    assert json.loads(sandbox.http("GET", f"/v2/{repository}/tags/list", **headers)[2])["tags"] == []
    [referrer] = ecr.list_image_referrers(**parameters, filter={"artifactStatus": "ARCHIVED"})["referrers"]
    assert referrer["artifactStatus"] == "ARCHIVED"
    ecr.update_image_storage_class(repositoryName=repository, imageId={"imageTag": "v1"}, targetStorageClass="STANDARD")
    [referrer] = ecr.list_image_referrers(**parameters, filter={"artifactStatus": "ANY"})["referrers"]
    assert referrer["artifactStatus"] == "ACTIVATING"


@pytest.mark.operation("UpdateImageStorageClass")
def test_an_image_cannot_be_archived_while_its_index_is_active(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    child = image(ecr, repository, "child")
    put(ecr, repository, index(child), "list")
    about = {"repositoryName": repository, "imageId": {"imageDigest": child}, "targetStorageClass": "ARCHIVE"}
    with pytest.raises(ClientError, match="referenced by manifest list"):
        ecr.update_image_storage_class(**about)
    ecr.update_image_storage_class(**{**about, "imageId": {"imageTag": "list"}})
    assert ecr.update_image_storage_class(**about)["imageStatus"] == "ARCHIVED"
