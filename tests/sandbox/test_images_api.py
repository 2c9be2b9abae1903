"""Images through the API: what moves, what stays, what goes."""

import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ecr(sandbox):
    return sandbox.client()


def test_a_deleted_image_cannot_be_pulled(sandbox, ecr, repository, make_image):
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {image}")
    answer = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert answer["imageIds"][0]["imageTag"] == "v1"
    sandbox.run(f"docker rmi {image}")
    assert "Requested image not found" in sandbox.refused(f"docker pull {image}")


def test_a_repository_with_images_is_deleted_only_with_force(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException, match="cannot be deleted because it still contains"):
        ecr.delete_repository(repositoryName=repository)
    ecr.delete_repository(repositoryName=repository, force=True)
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.describe_images(repositoryName=repository)


def test_a_repository_made_again_has_none_of_the_old_layers(sandbox, ecr, repository, make_image):
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {image}")
    manifest = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"][0][
        "imageManifest"
    ]
    digest = json.loads(manifest)["layers"][0]["digest"]
    ecr.delete_repository(repositoryName=repository, force=True)
    ecr.create_repository(repositoryName=repository)
    [layer] = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest])["layers"]
    assert layer["layerAvailability"] == "UNAVAILABLE"
    assert sandbox.http("HEAD", f"/v2/{repository}/blobs/{digest}", Authorization=sandbox.basic())[0] == 404
    sandbox.run(f"docker push {image}")


def test_a_moved_tag_leaves_the_older_image_untagged(sandbox, ecr, repository, make_image):
    tag = f"{sandbox.registry}/{repository}:latest"
    for _ in range(2):
        sandbox.run(f"docker push {make_image(tag)}")
    old, new = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert "imageTags" not in old
    assert new["imageTags"] == ["latest"]
    for status, expected in [("TAGGED", new), ("UNTAGGED", old)]:
        [found] = ecr.describe_images(repositoryName=repository, filter={"tagStatus": status})["imageDetails"]
        assert found["imageDigest"] == expected["imageDigest"]


def test_put_image_gives_a_second_tag_to_the_same_digest(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [image] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"]
    again = {"repositoryName": repository, "imageManifest": image["imageManifest"]}
    put = ecr.put_image(**again, imageManifestMediaType=image["imageManifestMediaType"], imageTag="stable")["image"]
    assert put["imageId"] == {"imageDigest": image["imageId"]["imageDigest"], "imageTag": "stable"}
    [detail] = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert detail["imageTags"] == ["stable", "v1"]
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(**again, imageTag="stable")


def test_put_image_refuses_a_digest_that_is_not_the_manifests(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [image] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"]
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        ecr.put_image(
            repositoryName=repository,
            imageManifest=image["imageManifest"],
            imageDigest=f"sha256:{'0' * 64}",
            imageTag="x",
        )


def test_an_index_needs_its_images_and_keeps_them(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:amd64')}")
    [child] = ecr.describe_images(repositoryName=repository)["imageDetails"]
    size = len(
        ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "amd64"}])["images"][0]["imageManifest"]
    )
    entry = {"mediaType": child["imageManifestMediaType"], "digest": child["imageDigest"], "size": size}
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}
    stored = ecr.put_image(repositoryName=repository, imageManifest=json.dumps(index), imageTag="v1")["image"][
        "imageId"
    ]
    [detail] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert detail["imageSizeInBytes"] == child["imageSizeInBytes"]

    ids = [{"imageDigest": child["imageDigest"]}]
    [failure] = ecr.batch_delete_image(repositoryName=repository, imageIds=ids)["failures"]
    assert failure["failureCode"] == "ImageReferencedByManifestList"
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": stored["imageDigest"]}])
    assert ecr.batch_delete_image(repositoryName=repository, imageIds=ids)["failures"] == []

    entry["digest"] = f"sha256:{'2' * 64}"
    with pytest.raises(ClientError, match="ReferencedImagesNotFoundException"):
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(index), imageTag="v2")


def test_batch_calls_report_what_is_not_there_beside_what_is(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [real] = ecr.list_images(repositoryName=repository)["imageIds"]
    ghost = f"sha256:{'3' * 64}"
    wanted = [{"imageTag": "v1"}, {"imageTag": "v2"}, {"imageDigest": ghost}, {**real, "imageTag": "v2"}]
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=wanted)
    assert [image["imageId"] for image in answer["images"]] == [real]
    assert [each["failureCode"] for each in answer["failures"]] == [
        "ImageNotFound",
        "ImageNotFound",
        "ImageTagDoesNotMatchDigest",
    ]
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match=f"imageDigest:'{ghost}', imageTag:'null'"):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": ghost}])


def test_listings_come_in_pages(sandbox, ecr, repository, make_image):
    for tag in ("a", "b", "c"):
        sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:{tag}')}")
    first = ecr.list_images(repositoryName=repository, maxResults=2)
    rest = ecr.list_images(repositoryName=repository, maxResults=2, nextToken=first["nextToken"])
    assert [each["imageTag"] for each in first["imageIds"] + rest["imageIds"]] == ["a", "b", "c"]
    assert "nextToken" not in rest
    answer = sandbox.http("GET", f"/v2/{repository}/tags/list?n=2", Authorization=sandbox.basic())
    assert json.loads(answer[2])["tags"] == ["a", "b"]
    assert "last=b" in answer[1]["link"]


@pytest.mark.parametrize(
    ("name", "constraint"),
    [("Demo", "must satisfy regular expression"), ("d" * 257, "must have length less than or equal to 256")],
)
def test_a_name_that_ecr_does_not_take(sandbox, name, constraint):
    said = sandbox.refused(f"aws ecr create-repository --repository-name {name}")
    assert f"Invalid parameter at 'repositoryName' failed to satisfy constraint: '{constraint}" in said


def test_a_policy_text_cannot_name_another_repository(sandbox, ecr, repository):
    ecr.create_repository(repositoryName=f"{repository}-other")
    text = json.dumps({"Version": "2012-10-17", "Statement": []}) + f"&repositoryName={repository}-other&y=1"
    with pytest.raises(ClientError):
        ecr.set_repository_policy(repositoryName=repository, policyText=text)
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName=f"{repository}-other")


def test_the_administrator_is_who_calls(sandbox):
    identity = sandbox.client("sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/administrator"


def test_regions_are_apart(sandbox, repository):
    elsewhere = sandbox.client(region="eu-west-1")
    with pytest.raises(elsewhere.exceptions.RepositoryNotFoundException):
        elsewhere.describe_repositories(repositoryNames=[repository])
