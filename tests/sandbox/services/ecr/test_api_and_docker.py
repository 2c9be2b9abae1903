"""The API and docker with the same images: one sees what the other pushes, moves or deletes."""

import json

import pytest


@pytest.fixture
def ecr(sandbox):
    return sandbox.client()


@pytest.mark.operation("BatchDeleteImage")
def test_a_deleted_image_cannot_be_pulled(sandbox, ecr, repository, make_image):
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {image}")
    answer = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert answer["imageIds"][0]["imageTag"] == "v1"
    sandbox.run(f"docker rmi {image}")
    assert "Requested image not found" in sandbox.refused(f"docker pull {image}")


@pytest.mark.operation("DeleteRepository")
def test_a_repository_with_images_is_deleted_only_with_force(sandbox, ecr, repository, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException, match="cannot be deleted because it still contains"):
        ecr.delete_repository(repositoryName=repository)
    ecr.delete_repository(repositoryName=repository, force=True)
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.describe_images(repositoryName=repository)


@pytest.mark.operation("DeleteRepository", "CreateRepository", "BatchCheckLayerAvailability")
def test_a_recreated_repository_has_none_of_the_old_layers(sandbox, ecr, repository, make_image):
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


@pytest.mark.operation("DescribeImages")
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


@pytest.mark.operation("PutImage", "BatchGetImage")
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


def test_the_default_caller_is_the_administrator(sandbox):
    identity = sandbox.client("sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/administrator"


@pytest.mark.operation("DescribeRepositories")
def test_regions_are_separate(sandbox, repository):
    elsewhere = sandbox.client(region="eu-west-1")
    with pytest.raises(elsewhere.exceptions.RepositoryNotFoundException):
        elsewhere.describe_repositories(repositoryNames=[repository])
