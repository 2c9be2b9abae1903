"""A manifest whose stored bytes have changed is never sent: the digest is checked when it is read.

Source: OCI image-spec, "Digests": content from an untrusted source should be verified by its digest before it is used,
https://github.com/opencontainers/image-spec/blob/main/descriptor.md#verification. SQLite has no checksums of its own:
https://www.sqlite.org/cksumvfs.html.
"""

import contextlib
import sqlite3

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.wire import OCI, Wire

SENTENCE = "The stored manifest of the image {digest} in the repository '{repository}' is damaged. Push it again."


@pytest.fixture
def wire(sandbox, repository):
    return Wire(sandbox.url, repository, sandbox.basic())


def damage(sandbox, digest: str, change: str) -> None:
    with contextlib.closing(sqlite3.connect(sandbox.state / "state.db", timeout=30)) as db, db:
        db.execute(f"UPDATE images SET manifest = {change} WHERE digest = ?", (digest,))


@pytest.fixture(
    params=[
        "replace(manifest, 'schemaVersion', 'schemaVersioo')",
        "substr(manifest, 2)",
        "CAST(x'ff' || CAST(manifest AS BLOB) AS TEXT)",  # no UTF-8
        "''",
    ]
)
def pushed(request, sandbox, wire):
    """An image that was pushed as v1 and is damaged then: the manifest as it was sent, and its digest."""
    image = wire.image(b"an app")
    digest = wire.push(image, "v1")["digest"]
    text = wire.ask("GET", "manifests/v1").content
    damage(sandbox, digest, request.param)
    return text, digest


def test_the_registry_answers_with_an_error_of_the_server(sandbox, wire, pushed):
    _, digest = pushed
    sentence = SENTENCE.format(digest=digest, repository=wire.repository)
    for reference in ("v1", digest):
        for accept in (OCI, "application/vnd.docker.distribution.manifest.v2+json"):
            answer = wire.ask("GET", f"manifests/{reference}", Accept=accept)
            assert answer.status_code == 500 and sentence in answer.json()["errors"][0]["message"]
        assert wire.ask("HEAD", f"manifests/{reference}").status_code == 500


def test_the_api_answers_with_an_error(sandbox, wire, pushed):
    _, digest = pushed
    ecr = sandbox.client()
    for wanted in ({"imageTag": "v1"}, {"imageDigest": digest}):
        with pytest.raises(ClientError, match=r"is damaged\. Push it again\."):
            ecr.batch_get_image(repositoryName=wire.repository, imageIds=[wanted])
    [detail] = ecr.describe_images(repositoryName=wire.repository)["imageDetails"]
    assert detail["imageDigest"] == digest


def test_it_is_whole_again_when_it_is_pushed_again(sandbox, wire, pushed):
    text, _ = pushed
    sandbox.client().put_image(repositoryName=wire.repository, imageManifest=text.decode(), imageTag="v1")
    assert wire.ask("GET", "manifests/v1").content == text
    with pytest.raises(ClientError, match="ImageAlreadyExistsException"):
        sandbox.client().put_image(repositoryName=wire.repository, imageManifest=text.decode(), imageTag="v1")


def test_it_can_be_deleted(sandbox, wire, pushed):
    _, digest = pushed
    answer = sandbox.client().batch_delete_image(repositoryName=wire.repository, imageIds=[{"imageDigest": digest}])
    assert answer["failures"] == []
    assert wire.ask("GET", "manifests/v1").status_code == 404


def test_the_log_says_which_image_is_damaged(own_sandbox):
    own_sandbox.start().client().create_repository(repositoryName="app")
    wire = Wire(own_sandbox.url, "app", own_sandbox.basic())
    digest = wire.push(wire.image(b"an app"), "v1")["digest"]
    damage(own_sandbox, digest, "'{}'")
    assert wire.ask("GET", "manifests/v1").status_code == 500
    own_sandbox.process.terminate()
    _, stderr = own_sandbox.process.communicate(timeout=60)
    assert SENTENCE.format(digest=digest, repository="app") in stderr


def test_a_changed_digest_is_no_other_image(sandbox, wire):
    digest = wire.push(wire.image(b"an app"), "v1")["digest"]
    with contextlib.closing(sqlite3.connect(sandbox.state / "state.db", timeout=30)) as db, db:
        db.execute(
            "UPDATE images SET digest = ? WHERE digest = ?", (digest[:-1] + ("0" if digest[-1] != "0" else "1"), digest)
        )
    assert wire.ask("GET", f"manifests/{digest}").status_code == 404
    assert wire.ask("GET", "manifests/v1").status_code == 500


def test_a_damaged_layer_has_another_digest(sandbox, wire):
    """A layer is sent as it is: a client checks its digest, and the next push of it replaces the file."""
    layer = wire.push_blob(b"a layer to damage")["digest"]
    file = sandbox.state / "blobs" / "sha256" / layer.partition(":")[2]
    file.write_bytes(b"x layer to damage")
    assert wire.blob(layer).content == b"x layer to damage"
    wire.push_blob(b"a layer to damage")
    assert wire.blob(layer).content == b"a layer to damage"
