"""The content store: acknowledged blobs are on disk, and no other files are left."""

import hashlib
import os
import threading
from io import BytesIO
from pathlib import Path

import pytest

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.errors import LayersMissing
from ecr_sandbox.registry.images import Images, Manifest
from ecr_sandbox.registry.upload_sessions import UnknownUpload, UploadSessions, WrongDigest
from ecr_sandbox.state.store import Store

APP = ("123456789012", "us-east-1", "app")
OTHER = ("123456789012", "us-east-1", "other")


@pytest.fixture
def content(store, tmp_path):
    return ContentStore(tmp_path, store)


@pytest.fixture
def uploads(store, content):
    """Upload sessions whose parts may have any size."""
    return UploadSessions(store, content, smallest_part=0)


def digest_of(blob):
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def add(content, blob, key=APP):
    content.add(key, digest_of(blob), BytesIO(blob))
    return digest_of(blob)


def manifest_of(*digests):
    return Manifest("{}", "type", digest_of("".join(digests).encode()), None, tuple((each, 1) for each in digests), ())


def files(folder):
    return [each.name for each in folder.iterdir()]


class TestBlobs:
    def test_a_repository_has_what_was_added_and_others_do_not(self, content):
        digest = add(content, b"12345")
        assert content.size(APP, digest) == 5
        assert content.open(APP, digest).read() == b"12345"
        assert content.path(digest).read_bytes() == b"12345"
        assert content.size(OTHER, digest) is None
        with pytest.raises(FileNotFoundError):
            content.open(OTHER, digest)

    def test_a_link_is_no_blob(self, content, tmp_path):
        """A state folder from another person may have links to the user's files in place of blobs."""
        digest = add(content, b"12345")
        (tmp_path / "private").write_bytes(b"12345")
        content.path(digest).unlink()
        content.path(digest).symlink_to(tmp_path / "private")
        assert content.size(APP, digest) is None
        with pytest.raises(FileNotFoundError):
            content.open(APP, digest)

    def test_a_mount_is_a_row(self, content):
        digest = add(content, b"12345")
        assert content.mount(OTHER, digest, APP)
        assert content.size(OTHER, digest) == 5
        assert not content.mount(OTHER, digest_of(b"nothing"), APP)
        assert content.size(OTHER, digest_of(b"nothing")) is None

    def test_content_with_another_digest_is_not_added(self, content):
        with pytest.raises(OSError, match="another digest"):
            content.add(APP, digest_of(b"this"), BytesIO(b"that"))
        assert files(content.uploads) == files(content.blobs) == []

    def test_a_blob_whose_file_is_gone_does_not_exist_and_can_be_uploaded_again(self, content):
        digest = add(content, b"12345")
        content.path(digest).unlink()
        assert content.size(APP, digest) is None
        assert not content.mount(OTHER, digest, APP)
        with pytest.raises(FileNotFoundError):
            content.open(APP, digest)
        add(content, b"12345")
        assert content.size(APP, digest) == 5

    def test_a_damaged_file_is_replaced_by_the_next_upload(self, content):
        digest = add(content, b"12345")
        content.path(digest).write_bytes(b"123")
        add(content, b"12345", OTHER)
        assert content.open(APP, digest).read() == b"12345"

    def test_a_deleted_repository_has_no_blobs_and_no_uploads(self, content, uploads):
        digest, upload = add(content, b"12345"), uploads.start(APP)
        content.mount(OTHER, digest, APP)
        content.forget(APP)
        assert content.size(APP, digest) is None
        assert content.size(OTHER, digest) == 5
        assert files(content.uploads) == []
        with pytest.raises(UnknownUpload):
            uploads.progress(APP, upload)

    def test_the_same_blob_from_many_clients_at_the_same_time(self, content, uploads):
        blob, errors = os.urandom(300_000), []

        def push(key):
            try:
                uploads.finish(key, uploads.start(key), digest_of(blob), [blob])
            except Exception as error:
                errors.append(error)

        keys = [("1", "us-east-1", f"app-{number}") for number in range(4)]
        clients = [threading.Thread(target=push, args=(key,)) for key in keys * 5]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert not errors
        assert [content.open(key, digest_of(blob)).read() == blob for key in keys] == [True] * 4
        assert (files(content.uploads), len(files(content.blobs))) == ([], 1)


class TestImages:
    def put(self, store, content, *digests):
        images = Images(store, *APP)
        with store.change():
            content.require_blobs(images, manifest_of(*digests), "app", "123456789012")
            return images.put(manifest_of(*digests), None, False)

    def test_an_image_with_a_missing_blob_is_refused(self, store, content):
        here, missing = add(content, b"here"), digest_of(b"missing")
        with pytest.raises(LayersMissing, match=missing):
            self.put(store, content, here, missing)
        assert not Images(store, *APP)

    def test_an_archived_blob_that_another_image_uses_counts_as_present(self, store, content):
        digest = add(content, b"here")
        self.put(store, content, digest)
        content.path(digest).unlink()
        self.put(store, content, digest, add(content, b"more"))

    def test_a_failed_push_keeps_the_leases(self, store, content):
        digest = add(content, b"here")
        with pytest.raises(ZeroDivisionError), store.change():
            content.require_blobs(Images(store, *APP), manifest_of(digest), "app", "123456789012")
            raise ZeroDivisionError
        assert store.read().execute("SELECT leases FROM repository_blobs").fetchone()[0] == 1


class TestPowerFailure:
    """Only synced data survives."""

    @pytest.fixture
    def synced(self, monkeypatch):
        """The synced files and the renames, in order."""
        order: list[str] = []
        fsync, rename = os.fsync, os.rename
        name = lambda number: Path(os.readlink(f"/proc/self/fd/{number}")).name  # noqa: E731
        monkeypatch.setattr(os, "fsync", lambda file: order.append(f"sync {name(_number(file))}") or fsync(file))
        monkeypatch.setattr(os, "rename", lambda a, b: order.append("rename") or rename(a, b))
        return order

    def test_bytes_are_synced_before_the_name_and_the_row(self, content, uploads, synced):
        upload = uploads.start(APP)
        uploads.append(APP, upload, [b"12"])
        synced.clear()
        uploads.finish(APP, upload, digest_of(b"123"), [b"3"])
        assert synced == [f"sync {upload}", "rename", "sync sha256", "sync state.db-wal"]

    def test_a_part_needs_no_sync(self, uploads, synced):
        upload = uploads.start(APP)
        uploads.append(APP, upload, [b"12"])
        assert synced == []

    def test_an_upload_that_lost_acknowledged_bytes_does_not_exist(self, content, uploads):
        upload = uploads.start(APP)
        uploads.append(APP, upload, [b"12345"])
        os.truncate(content.uploads / upload, 4)
        with pytest.raises(UnknownUpload):
            uploads.append(APP, upload, [b"6"])
        with pytest.raises(UnknownUpload):
            uploads.progress(APP, upload)
        assert files(content.uploads) == []


def _number(file):
    return file if isinstance(file, int) else file.fileno()


class TestKill:
    """A new process finds the committed rows. Files can be longer than their rows say."""

    @pytest.fixture
    def restarted(self, tmp_path, store):
        """The upload sessions as a new process reads them."""
        return UploadSessions(store, ContentStore(tmp_path, store), smallest_part=0)

    @pytest.mark.parametrize("lost", [b"", b"4", b"456789"])
    def test_during_a_part(self, content, uploads, restarted, lost):
        """Whatever the last written byte, the client sends the part again."""
        upload = uploads.start(APP)
        uploads.append(APP, upload, [b"123"])
        with (content.uploads / upload).open("ab") as file:
            file.write(lost)
        assert restarted.progress(APP, upload).size == 3
        assert restarted.append(APP, upload, [b"45"], 3).size == 5
        restarted.finish(APP, upload, digest_of(b"123456"), [b"6"])
        assert content.open(APP, digest_of(b"123456")).read() == b"123456"

    def test_after_the_rename_and_before_the_row(self, store, content, uploads, restarted):
        """The client got no response. It finds neither the upload nor the blob, and uploads it again."""
        upload, digest = uploads.start(APP), digest_of(b"123")
        uploads.append(APP, upload, [b"123"])
        (content.uploads / upload).rename(content.path(digest))
        assert content.size(APP, digest) is None
        with pytest.raises(UnknownUpload):
            restarted.finish(APP, upload, digest)
        restarted.finish(APP, restarted.start(APP), digest, [b"123"])
        assert content.size(APP, digest) == 3

    def test_the_digest_is_checked_over_all_bytes(self, uploads, restarted):
        upload = uploads.start(APP)
        uploads.append(APP, upload, [b"123"])
        with pytest.raises(WrongDigest):
            restarted.finish(APP, upload, digest_of(b"4"), [b"4"])


def test_many_uploads_keep_few_hashes_in_memory(uploads, monkeypatch):
    monkeypatch.setattr("ecr_sandbox.registry.upload_sessions.HASHES", 3)
    started = [uploads.start(APP) for _ in range(10)]
    for number in (1, 2):
        for upload in started:
            uploads.append(APP, upload, [b"%d" % number])
        assert len(uploads._hashes._kept) == 3
    for upload in started:
        uploads.finish(APP, upload, digest_of(b"12"))


def test_an_old_upload_is_deleted_when_another_one_starts(store, content, uploads):
    old = uploads.start(APP)
    with store.change() as db:
        db.execute("UPDATE uploads SET started_at = started_at - 7 * 24 * 3600 - 1")
    new = uploads.start(APP)
    assert files(content.uploads) == [new]
    with pytest.raises(UnknownUpload):
        uploads.progress(APP, old)


def test_an_upload_whose_repository_is_deleted_meanwhile(content, uploads):
    upload = uploads.start(APP)

    def part():
        yield b"1"
        content.forget(APP)

    with pytest.raises(UnknownUpload):
        uploads.append(APP, upload, part())
    assert files(content.uploads) == []


def test_a_second_store_on_the_same_folder_finds_everything(tmp_path):
    first = Store(tmp_path / "state.db")
    digest = add(ContentStore(tmp_path, first), b"12345")
    first.close()
    second = Store(tmp_path / "state.db")
    assert ContentStore(tmp_path, second).size(APP, digest) == 5
    second.close()
