"""The example image has the same digests on every machine."""

import io
import json
import tarfile

import pytest

from ecr_sandbox import SandboxError
from helpers import tiny_image

GREETING = "Hello, registry!"


def test_its_digest_never_changes():
    _, manifest = tiny_image.describe(tiny_image.layers(GREETING))
    assert tiny_image.digest(manifest) == "sha256:1e5f1deac248a53229702ce1cd2f382e0c7b8e312e9deea97f900418d180aa22"


def test_the_manifest_names_its_parts():
    blobs = tiny_image.layers(GREETING)
    config, manifest = tiny_image.describe(blobs)
    content = json.loads(manifest)
    assert content["config"]["digest"] == tiny_image.digest(config)
    assert [(each["digest"], each["size"]) for each in content["layers"]] == [
        (tiny_image.digest(b), len(b)) for b in blobs
    ]
    assert json.loads(config)["rootfs"]["diff_ids"] == [tiny_image.digest(blob) for blob in blobs]


def test_another_greeting_changes_only_the_last_layer():
    one, other = tiny_image.layers("one"), tiny_image.layers("other")
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_the_last_layer_is_the_greeting():
    with tarfile.open(fileobj=io.BytesIO(tiny_image.layers(GREETING)[-1])) as layer:
        (name,) = layer.getnames()
        assert name == "app/greeting.txt"
        assert layer.extractfile(name).read().decode() == GREETING + "\n"


def test_nothing_is_pushed_to_a_repository_of_somebody_else(on_aws):
    on_aws.client().create_repository(repositoryName="theirs")
    with pytest.raises(SandboxError, match=r"^The repository theirs has no tag"):
        tiny_image.put(on_aws, "theirs", "v1")
    assert on_aws.client().list_images(repositoryName="theirs")["imageIds"] == []
