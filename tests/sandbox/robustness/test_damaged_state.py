"""A state that is damaged while the sandbox runs: every port answers in its protocol, without a traceback in the log.

That an internal error has status 500: OCI distribution-spec, "Error Codes", and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html, InternalFailure.
"""

import json

import pytest

from ecr_sandbox.registry.errors import disk_failed
from ecr_sandbox.state.store import Store
from tests.sandbox import raw_calls


@pytest.fixture
def damaged(own_sandbox):
    """A sandbox without the tables that it reads, and the ports that it listens on."""
    own_sandbox.start().client().create_repository(repositoryName="app")
    own_sandbox.client("ecr-public").create_repository(repositoryName="app")
    status = json.loads(own_sandbox.http("GET", "/_sandbox")[2])
    raw_calls.send_plain(status["ports"][1], "GET", "/v2/", {})  # loads what the ports need
    raw_calls.send_plain(status["ports"][2], "GET", "/v2/", {})
    login = own_sandbox.basic()
    other = Store(own_sandbox.state / "state.db")
    with other.change() as db:
        tables = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        db.execute("PRAGMA foreign_keys=OFF")
        for table in tables:
            if not table.startswith("sqlite_"):
                db.execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
    yield own_sandbox, status["ports"], login
    with other.change() as db:
        for table in tables:
            if not table.startswith("sqlite_"):
                db.execute(f"ALTER TABLE gone_{table} RENAME TO {table}")
    other.close()


def test_every_port_answers_in_its_protocol(damaged):
    sandbox, ports, login = damaged
    digest = f"sha256:{'0' * 64}"
    for port in ports:
        for method, path in [
            ("GET", "/v2/app/manifests/v1"),
            ("PUT", "/v2/app/manifests/v1"),
            ("POST", "/v2/app/blobs/uploads/"),
            ("GET", f"/v2/app/blobs/{digest}"),
            ("GET", "/v2/app/tags/list"),
            ("GET", "/v2/_catalog"),
            ("GET", "/v2/library/alpine/manifests/latest"),
        ]:
            answer = raw_calls.send_plain(port, method, path, {"Authorization": login}, b"{}")
            if answer.status >= 500:
                assert json.loads(answer.body)["errors"][0]["code"] == "UNKNOWN", (port, method, path, answer)
    for method, path in [("POST", "/_sandbox/gc"), ("POST", "/_sandbox/clock"), ("GET", "/_sandbox/advisories")]:
        status, _, body = sandbox.control(method, path, b'{"forward": 1}')
        assert status == 500 and b"InternalFailure" in body, path
    sandbox.process.terminate()
    log = sandbox.process.communicate(timeout=60)[1]
    assert "Traceback" not in log and "failed at" in log


def test_a_folder_that_is_gone_is_no_full_disk(tmp_path):
    refusal = disk_failed(tmp_path / "gone", FileNotFoundError(2, "No such file or directory"))
    assert (refusal.status, refusal.code) == (500, "UNKNOWN")
