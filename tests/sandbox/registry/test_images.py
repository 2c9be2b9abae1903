"""The images of a repository, without a sandbox: pages, filters, referrers, and queries that use an index."""

import json

import pytest

from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import OCI, Manifest
from ecr_sandbox.state.store import Store
from tests.sandbox import api


def descriptor(digest):
    return {"mediaType": OCI, "digest": digest, "size": 1}


@pytest.fixture
def images(tmp_path):
    store = Store(tmp_path / "state.db")
    yield Images(store, "123456789012", "us-east-1", "app")
    store.close()


def image(number, **more):
    part = descriptor(f"sha256:{number:064x}")
    return Manifest.parse(json.dumps({**api.manifest(), "config": part, "layers": [part], **more}), None)


def test_pages_of_any_size_add_up_to_all_images(images):
    for number in range(7):
        images.put(image(number), f"t{number}" if number % 2 else None, False)
    images.put(image(1), "also", False)
    everything = images.all()
    assert [each.digest for each in everything] == [image(number).digest for number in range(7)]
    for size in (1, 2, 3, 7, 100):
        pages, after = [], 0
        while page := images.page(after, size):
            pages, after = pages + page, page[-1].id
        assert pages == everything
        rows, last = [], (0, "")
        while part := images.ids(last, size):
            rows, last = rows + part, (part[-1][0], part[-1][2] or "")
        assert [tag for _, _, tag in rows] == [None, "also", "t1", None, "t3", None, "t5", None]


def test_images_are_filtered_by_tagged_and_untagged(images):
    for number in range(4):
        images.put(image(number), "even" if number == 2 else None, False)
    assert [each.tags for each in images.page(tagged=True)] == [("even",)]
    assert [each.digest for each in images.page(tagged=False, size=2)] == [image(0).digest, image(1).digest]
    assert [tag for _, _, tag in images.ids(tagged=True)] == ["even"]
    assert len(images.ids(tagged=False)) == 3


def test_tags_are_sorted_by_their_bytes(images):
    for tag in ("b", "B", "a", "10", "9"):
        images.put(image(1), tag, False)
    assert images.tags() == ["10", "9", "B", "a", "b"]
    assert images.tags(after="9", size=2) == ["B", "a"]


def test_referrers_are_the_images_that_name_a_subject(images):
    subject = image(1)
    before = image(2, subject=descriptor(subject.digest))  # a referrer can be pushed before its subject
    after = image(3, subject=descriptor(subject.digest))
    for each in (before, subject, after):
        images.put(each, None, False)
    assert [each.digest for each in images.referrers(subject.digest)] == [before.digest, after.digest]
    assert images.referrers(subject.digest, size=1)[0].subject == subject.digest
    assert images.referrers(before.digest) == []


def test_every_query_uses_an_index(images):
    """No query scans or sorts a whole table or repository, so 10,000 images are as fast as ten."""
    seen: list[str] = []
    db = images._store._writer
    db.set_trace_callback(seen.append)
    with images._store.change():
        one = images.put(image(1), "one", False)
        images.put(
            Manifest.parse(json.dumps(api.index(one.digest)), None),
            "i",
            False,
        )
        images.page(after=1, size=5), images.page(tagged=True, size=5), images.ids((1, "a"), 5), images.tags("a", 5)
        (
            images.find("one", one.digest),
            images.use("x"),
            images.index_of(one.digest),
            images.referrers("x"),
            bool(images),
        )
        images.archive(one)
        images.is_archived("x"), images.page(status="ARCHIVED", size=5), images.ids((1, "a"), 5, status="ACTIVE")
        images.restore(one, 0)
        images.untag("one")
        images.delete(one.digest)
    db.set_trace_callback(None)
    statements = [each for each in seen if each.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")]
    assert len(statements) > 15
    for statement in statements:
        plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert "LIMIT 1" in statement or not [step for step in plan if reads_all(step)], (statement, plan)
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, (statement, plan)


def reads_all(step):
    """Whether a step of SQLite's query plan reads a whole table, or all rows of a repository."""
    searches = step.startswith("SEARCH")
    return step.startswith("SCAN") or (searches and "(" not in step) or step.endswith("repository=?)")
