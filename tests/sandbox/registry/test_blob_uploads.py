"""Blob uploads over HTTP: the methods of the specification, and where ECR differs from it."""

import hashlib
import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest
import requests

from tests.sandbox.wire import BYTES, Wire, digest_of, error

MIB = 2**20
PART = 5 * MIB  # ECR's minimum for every part except the last


@pytest.fixture(scope="module")
def authorization(sandbox):
    return sandbox.basic()


@pytest.fixture
def wire(sandbox, repository, authorization):
    return Wire(sandbox.url, repository, authorization)


def unfinished(sandbox):
    """The files of unfinished uploads."""
    return {file.name for file in (sandbox.state / "uploads").iterdir()}


def test_the_location_contains_only_the_upload_id(sandbox, wire):
    location = wire.start()
    assert re.fullmatch(
        rf"/v2/{wire.repository}/blobs/uploads/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", location
    )
    assert wire.patch(location, b"some bytes").headers["Location"] == location


def test_a_new_upload_has_a_location_and_an_empty_range(wire):
    answer = wire.ask("POST", "blobs/uploads/")
    assert answer.status_code == 202
    assert answer.headers["Range"] == "0-0"
    assert "Docker-Upload-UUID" not in answer.headers  # https://github.com/distribution/distribution/pull/2927
    assert answer.content == b""


def whole_in_post(wire, content, digest):
    return wire.ask("POST", f"blobs/uploads/?digest={digest}", content, Content_Type=BYTES)


def whole_in_put(wire, content, digest):
    return wire.put(wire.start(), digest, content)


def whole_in_a_patch(wire, content, digest):
    location = wire.start()
    assert wire.patch(location, content).status_code == 201
    return wire.put(location, digest)


def streamed_in_a_patch(wire, content, digest):
    """Without Content-Length, as docker does."""
    location = wire.start()
    assert wire.patch(location, iter([content[:9], content[9:]])).status_code == 201
    return wire.put(location, digest)


def streamed_in_put(wire, content, digest):
    return wire.put(wire.start(), digest, iter([content[:9], content[9:]]))


METHODS = [whole_in_post, whole_in_put, whole_in_a_patch, streamed_in_a_patch, streamed_in_put]


@pytest.mark.parametrize("upload", METHODS)
def test_a_layer_can_be_uploaded_by_each_method(sandbox, wire, upload):
    content = os.urandom(70_000)
    digest = digest_of(content)
    answer = upload(wire, content, digest)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v2/{wire.repository}/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert wire.blob(digest).content == content


@pytest.mark.parametrize("upload", METHODS)
def test_a_wrong_digest_is_refused_by_each_method(sandbox, wire, upload):
    before = unfinished(sandbox)
    digest = digest_of(b"the expected bytes")
    answer = upload(wire, b"other bytes", digest)
    assert error(answer) == (400, "BLOB_UPLOAD_INVALID")
    assert wire.ask("HEAD", f"blobs/{digest}").status_code == 404
    assert wire.ask("HEAD", f"blobs/{digest_of(b'what came instead')}").status_code == 404
    assert unfinished(sandbox) == before


def test_parts_get_the_status_and_range_of_ecr(wire):
    parts = [bytes([number]) * PART for number in (1, 2, 3)]
    location = wire.start()
    ends = []
    for number, part in enumerate(parts):
        answer = wire.patch(location, part, first=number * PART)
        assert (answer.status_code, answer.content) == (201, b"")  # the specification says 202
        ends.append(answer.headers["Range"])
    assert ends == [f"0-{PART - 1}"] * 3  # ECR always reports the end of the first part

    again = wire.patch(location, parts[1], first=PART)  # starts where Range ends
    assert error(again) == (416, "BLOB_UPLOAD_INVALID")
    assert again.headers["Range"] == f"0-{3 * PART - 1}"

    last = b"and a small end"
    done = wire.put(
        location, digest_of(b"".join(parts) + last), last, Content_Range=f"{3 * PART}-{3 * PART + len(last) - 1}"
    )
    assert done.status_code == 201, done.text


def test_an_upload_reports_its_range(wire):
    location = wire.start()
    empty = wire.ask("GET", location)
    assert (empty.status_code, empty.headers["Range"]) == (204, "0-0")
    wire.patch(location, b"x" * PART, first=0)
    wire.patch(location, b"and more", first=PART)
    for method in ("GET", "HEAD"):
        answer = wire.ask(method, location)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Range"] == f"0-{PART + 7}"
        assert answer.headers["Location"] == location


@pytest.mark.parametrize("content_range", ["5-9", "0-3", "9-5", "backwards", "bytes 0-x/*", "-", "0-" + "9" * 40])
def test_a_part_with_a_wrong_range_is_refused_and_not_stored(wire, content_range):
    location = wire.start()
    answer = wire.ask("PATCH", location, b"12345", Content_Type=BYTES, Content_Range=content_range)
    assert error(answer) == (416, "BLOB_UPLOAD_INVALID")
    assert wire.ask("GET", location).headers["Range"] == answer.headers["Range"] == "0-0"
    assert wire.put(location, digest_of(b"67890"), b"67890").status_code == 201


def test_a_part_at_the_wrong_place_is_named_as_on_ecr(wire):
    """https://github.com/apple/containerization/issues/790: status, code and sentence."""
    location = wire.start()
    wire.patch(location, b"x" * PART, first=0)
    answer = wire.patch(location, b"x" * PART, first=0)
    assert error(answer) == (416, "BLOB_UPLOAD_INVALID")
    assert answer.json()["errors"][0]["message"] == f"First byte of the layer part is 0 instead of {PART}"


def test_a_small_part_before_the_last_one_is_refused_at_the_end(wire):
    """The sentence, and that PUT gets it: https://github.com/dotnet/sdk-container-builds/issues/424."""
    location = wire.start()
    assert wire.patch(location, b"x" * (PART - 1)).status_code == 201  # it can be the last part
    answer = wire.put(location, digest_of(b""), b"more")
    assert error(answer) == (400, "BLOB_UPLOAD_INVALID")
    assert answer.json()["errors"][0]["message"] == "All layer parts except the last part should be at least 5MB"
    assert wire.put(location, digest_of(b"x" * (PART - 1))).status_code == 201  # it was the last part

    location = wire.start()
    assert [wire.patch(location, part).status_code for part in (b"some", b"x" * PART)] == [201, 201]
    assert error(wire.put(location, digest_of(b"some" + b"x" * PART))) == (400, "BLOB_UPLOAD_INVALID")


def test_an_upload_without_parts_is_refused(wire):
    """Status, code and sentence: https://github.com/radius-project/radius/issues/7855."""
    location = wire.start()
    answer = wire.put(location, digest_of(b""))
    assert error(answer) == (400, "BLOB_UPLOAD_INVALID")
    assert answer.json()["errors"][0]["message"] == (
        f"The upload with id '{location.rpartition('/')[2]}' in the repository with name '{wire.repository}' in "
        "registry with id '123456789012' cannot be completed because it does not have any parts"
    )


@pytest.mark.parametrize("digest", ["", "sha256:abc", "sha512:" + "0" * 128, "md5:" + "0" * 32, "../../etc"])
def test_a_digest_other_than_sha256_is_refused(sandbox, wire, digest):
    before = unfinished(sandbox)
    assert error(wire.ask("POST", f"blobs/uploads/?digest={digest or ':'}", b"x")) == (400, "DIGEST_INVALID")
    assert unfinished(sandbox) == before
    location = wire.start()
    assert error(wire.put(location, digest, b"x")) == (400, "DIGEST_INVALID")
    assert wire.put(location, digest_of(b"x"), b"x").status_code == 201  # the upload is still valid


def test_a_canceled_upload_is_deleted(sandbox, wire):
    before = unfinished(sandbox)
    location = wire.start()
    wire.patch(location, b"x" * 1000)
    assert len(unfinished(sandbox)) == len(before) + 1
    assert wire.ask("DELETE", location).status_code == 204
    assert unfinished(sandbox) == before
    assert_unknown(wire, location)


def assert_unknown(wire, location):
    answers = [wire.ask("GET", location), wire.patch(location, b"x"), wire.put(location, digest_of(b"x"), b"x")]
    for answer in [*answers, wire.ask("DELETE", location)]:
        assert error(answer) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_unknown_upload_is_not_found(wire):
    for name in ("00000000-0000-0000-0000-000000000000", "x", "..%2f..", "' OR 1=1 --"):
        assert_unknown(wire, f"blobs/uploads/{name}")


def test_a_completed_upload_is_not_found(wire):
    location = wire.start()
    assert wire.put(location, digest_of(b"x"), b"x").status_code == 201
    assert_unknown(wire, location)


def test_an_upload_belongs_to_its_repository(sandbox, wire):
    other = f"{wire.repository}-other"
    sandbox.client().create_repository(repositoryName=other)
    location = wire.start()
    assert_unknown(wire.other(other), location.replace(wire.repository, other))
    assert wire.put(location, digest_of(b"x"), b"x").status_code == 201


def test_an_upload_to_a_deleted_repository_is_not_found(sandbox, wire):
    location = wire.start()
    sandbox.client().delete_repository(repositoryName=wire.repository)
    sandbox.client().create_repository(repositoryName=wire.repository)
    answer = wire.patch(location, b"x")
    assert error(answer) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_is_deleted_when_the_client_disconnects(sandbox, wire, authorization):
    before = unfinished(sandbox)
    location = wire.start()
    with socket.create_connection(("127.0.0.1", sandbox.port)) as client:
        head = f"PATCH {location} HTTP/1.1\r\nHost: {sandbox.registry}\r\nAuthorization: {authorization}\r\n"
        client.sendall(f"{head}Content-Length: 9000000\r\n\r\n".encode() + b"x" * 1_000_000)
    wait_until(lambda: wire.ask("GET", location).status_code == 404)
    assert_unknown(wire, location)
    assert unfinished(sandbox) == before


def wait_until(condition):
    for _ in range(400):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("the condition was not met")


def test_a_concurrent_request_to_an_upload_is_refused(sandbox, wire):
    """One client sends its part slowly; the requests of the other get 416."""
    location, first_half, second_half = wire.start(), b"a" * PART, b"b" * PART
    file = sandbox.state / "uploads" / location.rpartition("/")[2]
    resume, answers = threading.Event(), []

    def slow_part():
        yield first_half
        resume.wait(30)
        yield second_half

    sender = threading.Thread(target=lambda: answers.append(wire.other(wire.repository).patch(location, slow_part())))
    sender.start()
    try:
        wait_until(lambda: file.stat().st_size)
        refused = [wire.patch(location, b"c"), wire.put(location, digest_of(b"c"), b"c"), wire.ask("DELETE", location)]
    finally:
        resume.set()
        sender.join()
    assert [error(each) for each in refused] == [(416, "BLOB_UPLOAD_INVALID")] * 3
    assert answers[0].status_code == 201
    assert wire.put(location, digest_of(first_half + second_half)).status_code == 201


def test_a_mount_of_a_layer_in_no_image_becomes_an_upload(sandbox, wire):
    other = f"{wire.repository}-other"
    sandbox.client().create_repository(repositoryName=other)
    digest = wire.push_blob(b"a layer of no image")["digest"]
    answer = wire.other(other).ask("POST", f"blobs/uploads/?mount={digest}&from={wire.repository}")
    assert answer.status_code == 202
    assert wire.other(other).put(answer.headers["Location"], digest, b"a layer of no image").status_code == 201


@pytest.mark.parametrize(
    ("source_encryption", "target_encryption", "status"),
    [
        ({"encryptionType": "AES256"}, None, 201),
        ({"encryptionType": "KMS"}, None, 202),
        ({"encryptionType": "KMS"}, {"encryptionType": "KMS"}, 201),  # both use the same AWS managed key
        ({"encryptionType": "KMS", "kmsKey": "alias/mine"}, {"encryptionType": "KMS"}, 202),
    ],
)
def test_a_mount_between_repositories_with_different_encryption_becomes_an_upload(
    sandbox, wire, source_encryption, target_encryption, status
):
    """ECR user guide, "Blob mounting"."""
    ecr, names = sandbox.client(), [f"{wire.repository}/{each}" for each in ("source", "target")]
    for name, encryption in zip(names, (source_encryption, target_encryption), strict=True):
        ecr.create_repository(repositoryName=name, **({"encryptionConfiguration": encryption} if encryption else {}))
    source = wire.other(names[0])
    image = source.image(b"a layer")
    source.push(image, "v1")
    path = f"blobs/uploads/?mount={image['layers'][0]['digest']}&from={names[0]}"
    assert wire.other(names[1]).ask("POST", path).status_code == status


def test_a_mount_without_a_valid_source_becomes_an_upload(wire):
    for query in ("mount=" + digest_of(b"x"), f"mount=x&from={wire.repository}", "from=a", "mount=&from="):
        assert wire.ask("POST", f"blobs/uploads/?{query}").status_code == 202


def test_an_upload_survives_a_kill(own_sandbox):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="app")
    wire = Wire(sandbox.url, "app", sandbox.basic())
    location = wire.start()
    assert wire.patch(location, b"1" * PART, first=0).status_code == 201
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    wire = Wire(sandbox.url, "app", sandbox.basic())
    assert wire.ask("GET", location).headers["Range"] == f"0-{PART - 1}"
    assert wire.patch(location, b"2", first=PART).headers["Range"] == f"0-{PART - 1}"
    assert wire.put(location, digest_of(b"1" * PART + b"2")).status_code == 201


def test_a_large_layer_is_streamed_and_not_held_in_memory(sandbox, wire):
    """Uploading and downloading 96 MiB takes less than 24 MiB of the sandbox's memory."""
    size, chunk, digest = 96 * MIB, b"\0" * MIB, hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(chunk)
    name, before = f"sha256:{digest.hexdigest()}", peak(sandbox, reset=True)
    location = wire.start()
    assert wire.patch(location, (chunk for _ in range(size // MIB))).status_code == 201
    assert wire.put(location, name).status_code == 201
    link = wire.ask("GET", f"blobs/{name}").headers["Location"]
    with requests.get(link, stream=True, timeout=60) as answer:
        assert sum(map(len, answer.iter_content(MIB))) == size
    assert peak(sandbox) - before < 24 * MIB


def peak(sandbox, reset=False):
    """The peak memory of the sandbox's process in bytes, since the last call with *reset*."""
    process = Path(f"/proc/{sandbox.process.pid}")
    if reset:
        (process / "clear_refs").write_text("5")
    [line] = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_docker_hub_follows_the_specification_where_ecr_differs(sandbox):
    """A part gets 202 and a Range of all bytes; parts of any size and empty layers are accepted."""
    hub = requests.get(f"{sandbox.url}/_sandbox", timeout=10).json()["hub"]
    account = {"username": "wire", "password": "correct horse battery"}
    assert requests.post(f"{hub}/hub.docker.com/v2/sandbox/accounts", json=account, timeout=10).ok
    query = {"service": "registry.docker.io", "scope": "repository:wire/app:pull,push"}
    token = requests.get(f"{hub}/token", params=query, auth=(account["username"], account["password"]), timeout=10)
    wire = Wire(hub, "wire/app", f"Bearer {token.json()['token']}")
    location = wire.start()
    for first, end in ((0, "0-2"), (3, "0-5")):
        answer = wire.patch(location, b"abc", first=first)
        assert (answer.status_code, answer.headers["Range"]) == (202, end)
    assert wire.put(location, digest_of(b"abcabc")).status_code == 201
    assert wire.push_blob(b"")["size"] == 0
    assert wire.ask("GET", f"blobs/{digest_of(b'abcabc')}").content == b"abcabc"  # without a redirect
