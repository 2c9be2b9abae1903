"""A manifest is refused, or everything that reads it works. ``test_manifest_format.py`` has the rules."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.wire import DOCKER, OCI, Wire


@pytest.fixture
def wire(sandbox, repository):
    return Wire(sandbox.url, repository, sandbox.basic())


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
WHERE = [(), ("config",), ("layers", 0), ("subject",), ("annotations",), ("config", "digest"), ("layers", 0, "size")]
FIELDS = [
    "schemaVersion",
    "config",
    "layers",
    "subject",
    "annotations",
    "artifactType",
    "mediaType",
    "data",
    "size",
    "a",
]


def changed(content, where, field, value):
    """A copy of *content* with *value* in the *field* of the object at *where*."""
    copy = json.loads(json.dumps(content))
    inner = copy
    for step in where:
        inner = inner[step]
    if isinstance(inner, dict):
        inner[field] = value
    return copy


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WHERE), st.sampled_from(FIELDS), ANY)
def test_a_manifest_that_is_accepted_breaks_nothing(sandbox, wire, where, field, value):
    """Whatever is changed in an artifact's manifest: it is refused, or everything that reads it works."""
    subject = wire.push(wire.image(b"an app"))
    artifact = wire.image(b"its report", subject=subject, annotations={"a": "\u00e9"})
    answer = wire.put_manifest(json.dumps(changed(artifact, where, field, value)).encode(), "report", Content_Type=OCI)
    if answer.status_code != 201:
        assert answer.status_code < 500, answer.text
        return
    digest, ecr, repository = answer.headers["Docker-Content-Digest"], sandbox.client(), wire.repository
    referrers = json.loads(wire.ask("GET", f"referrers/{subject['digest']}").content, parse_constant=pytest.fail)
    listed = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject["digest"]})
    assert {each["digest"] for each in referrers["manifests"]} >= {each["digest"] for each in listed["referrers"]}
    ids = [{"imageDigest": digest}]
    assert ecr.describe_images(repositoryName=repository, imageIds=ids)["imageDetails"]
    assert ecr.batch_get_image(repositoryName=repository, imageIds=ids)["images"]
    assert wire.manifest("report", Accept=DOCKER).status_code == 200
    assert ecr.batch_delete_image(repositoryName=repository, imageIds=ids)["failures"] == []
