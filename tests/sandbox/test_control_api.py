"""The sandbox's own API: without the key of the state folder it changes nothing and shows its addresses only.

Source of 401 with WWW-Authenticate: RFC 6750, section 3.
"""

import json

import pytest

from ecr_sandbox.auth import control_key

OPERATIONS = [
    ("POST", "/_sandbox/gc?idle=0", b""),
    ("GET", "/_sandbox/clock", None),
    ("POST", "/_sandbox/clock", b'{"forward": 86400}'),
    ("GET", "/_sandbox/advisories", None),
    ("POST", "/_sandbox/advisories", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
@pytest.mark.parametrize("key", [None, "", "Bearer", "Bearer wrong", "registry password", "é"])
def test_an_operation_needs_the_key(sandbox, method, path, body, key):
    headers = {} if key is None else {"Authorization": sandbox.basic() if key == "registry password" else key}
    before = sandbox.now()
    status, given, answer = sandbox.http(method, path, body, **headers)
    assert (status, given["www-authenticate"]) == (401, "Bearer")
    assert list(json.loads(answer)) == ["message"]
    assert sandbox.now() - before < 86400


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_an_operation_with_the_key_is_answered(sandbox, method, path, body):
    assert sandbox.control(method, path, body)[0] == 200


def test_the_status_needs_no_key_and_names_no_folder(sandbox):
    status, _, answer = sandbox.http("GET", "/_sandbox")
    assert status == 200
    assert json.loads(answer)["port"] == sandbox.port
    assert str(sandbox.state) not in answer.decode()


def test_a_page_of_another_port_cannot_move_the_clock_with_the_key(sandbox):
    """As JupyterLab's: even a page that knows the key is refused, and the browser's question before it too."""
    before = sandbox.now()
    page = {"Origin": "http://localhost:8888", "Sec_Fetch_Site": "same-site"}
    key = control_key.authorization(sandbox.state)
    body = b'{"forward": 86400}'
    assert sandbox.http("POST", "/_sandbox/clock", body, Authorization=key, **page)[0] == 403
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization"}
    status, given, _ = sandbox.http("OPTIONS", "/_sandbox/clock", **page, **asked)
    assert status == 403
    assert not [name for name in given if name.startswith("access-control-")]
    assert sandbox.now() - before < 86400


def test_the_key_stays_the_same_after_a_restart(own_sandbox):
    own_sandbox.start()
    key = control_key.authorization(own_sandbox.state)
    own_sandbox.stop()
    own_sandbox.start()
    assert control_key.authorization(own_sandbox.state) == key
    assert own_sandbox.control("GET", "/_sandbox/clock")[0] == 200
