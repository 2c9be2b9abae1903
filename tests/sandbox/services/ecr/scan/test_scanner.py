"""The scan job: the events it sends, and what it does when the image changes during a scan."""

import json
from types import SimpleNamespace

import pytest

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import Inspected, Scanned
from ecr_sandbox.services.ecr.scan import process, results
from ecr_sandbox.services.ecr.scan.scanner import Scanner
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store
from tests.sandbox import rootfs
from tests.sandbox.api import OCI, manifest

COLUMNS = "account, region, repository, digest, media_type, size, pushed_at, manifest"
ROW = ("123456789012", "us-east-1", "app", "sha256:image", OCI, 1, 0)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    store.add(results.SCHEMA)
    yield store
    store.close()


@pytest.fixture
def sent(monkeypatch) -> list[Scanned]:
    """The events of scans."""
    sent: list[Scanned] = []
    monkeypatch.setattr(events, "_subscribers", [(Scanned, sent.append), (Inspected, sent.append)])
    return sent


put_off: list[dict[str, object]] = []  # the scans that need more time


def begin(store: Store, content: dict[str, bytes] | bytes, scan_type: str = "BASIC") -> Scanner:
    """Store an image with one layer and start its scan."""
    layer = content if isinstance(content, bytes) else rootfs.layer(content)
    text = json.dumps(manifest(layers=(layer,)))
    with store.change() as db:
        db.execute(f"INSERT INTO images ({COLUMNS}) VALUES ({', '.join('?' * 8)})", (*ROW, text))
        db.execute("INSERT INTO tags VALUES ('123456789012', 'us-east-1', 'app', 'v1', 1)")
        results.begin(db, 1, scan_type, "SCAN_ON_PUSH", clock.now())
    file = store.path.with_name("layer")
    file.write_bytes(layer)
    blobs = SimpleNamespace(size=lambda key, digest: len(layer), path=lambda digest: file)
    return Scanner(store, blobs, lambda **what: put_off.append(what))


def test_a_complete_scan_sends_an_event_with_its_findings(store, sent):
    begin(store, rootfs.debian(rootfs.dpkg())).scan({"image": 1, "type": "BASIC"})
    [scanned] = sent
    assert (scanned.repository, scanned.digest, scanned.tags) == ("app", "sha256:image", ("v1",))
    assert (scanned.status, scanned.counts) == ("COMPLETE", {"HIGH": 1})


def test_a_failed_scan_sends_an_event(store, sent):
    begin(store, b"no tar" * 1000).scan({"image": 1, "type": "BASIC"})
    assert [(each.status, each.counts) for each in sent] == [("FAILED", {})]


def test_a_repeated_job_has_the_same_findings(store, sent):
    scanner = begin(store, rootfs.debian(rootfs.dpkg()))
    scanner.scan({"image": 1, "type": "BASIC"})
    first = results.of_image(store, 1, "BASIC")
    scanner.scan({"image": 1, "type": "BASIC"})
    again = results.of_image(store, 1, "BASIC")
    assert first.findings == again.findings, "the time of the first finding stays too"


def test_layers_are_read_once_for_both_scan_types(store, sent):
    scanner = begin(store, rootfs.debian(rootfs.dpkg()) | rootfs.python("jinja2", "3.1.2"))
    scanner.scan({"image": 1, "type": "BASIC"})
    scanner._blobs = None
    with store.change() as db:
        results.begin(db, 1, "ENHANCED", "CONTINUOUS_SCAN", clock.now())
    scanner.scan({"image": 1, "type": "ENHANCED"})
    assert [type(each) for each in sent] == [Scanned, Inspected]
    assert {each.package for each in results.of_image(store, 1, "ENHANCED").findings} == {"libpcre2-8-0", "jinja2"}
    assert {each.package for each in results.of_image(store, 1, "BASIC").findings} == {"libpcre2-8-0"}


def test_an_image_deleted_before_the_scan_is_not_an_error(store, sent):
    scanner = begin(store, rootfs.debian(rootfs.dpkg()))
    with store.change() as db:
        db.execute("DELETE FROM images")
    scanner.scan({"image": 1, "type": "BASIC"})
    assert sent == []
    assert store.read().execute("SELECT count(*) FROM scans").fetchone()[0] == 0


def test_an_image_deleted_during_the_scan_is_not_an_error(store, sent):
    scanner = begin(store, rootfs.debian(rootfs.dpkg()))
    size = scanner._blobs.size

    def delete_then_look(*arguments):
        with store.change() as db:
            db.execute("DELETE FROM images")
        return size(*arguments)

    scanner._blobs.size = delete_then_look
    scanner.scan({"image": 1, "type": "BASIC"})
    assert sent == []


def test_an_unexpected_error_is_stored_and_raised_for_a_retry(store, sent, monkeypatch):
    scanner = begin(store, rootfs.debian(rootfs.dpkg()))
    monkeypatch.setattr(process, "scan", lambda *_, **request: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        scanner.scan({"image": 1, "type": "BASIC"})
    scan = results.of_image(store, 1, "BASIC")
    assert (scan.status, scan.description) == ("FAILED", "The scan failed: division by zero")


def test_a_slow_scan_is_put_off_once(store, sent, monkeypatch):
    """With all the time that a scan may use, it ends as a scan of an image that is not supported."""
    scanner, what = begin(store, rootfs.debian(rootfs.dpkg())), {"image": 1, "type": "BASIC"}

    def too_slow(cpu_seconds: int, **_: object) -> None:
        raise process.TooSlow

    monkeypatch.setattr(process, "scan", too_slow)
    put_off.clear()
    scanner.scan(what)
    assert (put_off, sent) == ([what], [])
    scanner.scan_slowly(what)
    assert (put_off, [each.status for each in sent]) == ([what], ["FAILED"])
