"""Bad input: every invalid request gets a client error, and the state of the sandbox stays the same.

`make test` sends a few hundred requests, `make soak` 10,000.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import botocore.session
import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ecr_sandbox.aws.transaction import reads_only
from helpers import settings as course
from tests.sandbox.conftest import PATIENCE

pytestmark = pytest.mark.soak

KEY = Credentials(course.ACCESS_KEY, course.SECRET_KEY)
MODEL = botocore.session.Session().get_service_model("ecr")
TARGET = "AmazonEC2ContainerRegistry_V20150921"
DIGEST = "sha256:" + "0" * 64

# None of these is a valid name, tag or digest.
HOSTILE = st.sampled_from(
    [
        "..",
        "../../etc/passwd",
        "%2e%2e",
        "%2e%2e%2f",
        "a/../b",
        "a//b",
        "/",
        ".",
        "\x00",
        "a\x00b",
        "a\r\nX: y",
        "%0d%0aX: y",
        "a\rX",
        "a\nX",
        "\x7f",
        "A",
        "é",
        "名",
        chr(0xD800),  # half of a surrogate pair
        "\U0001f40b",
        " ",
        "a b",
        "'; DROP TABLE images; --",
        "${jndi:x}",
        "{0}",
        "%s",
        "a" * 3000,
        "a/" * 2000,
        "sha256:xyz",
        "sha256:" + "0" * 63,
        "sha512:" + "g" * 128,
        "latest@",
        "-",
        "_",
        "a" * 40 + "!",
    ]
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | HOSTILE
    | st.text(max_size=30).map(lambda text: f"!{text}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


class Contents(NamedTuple):
    """What must be the same before and after a test."""

    described: str
    rows: str


class Footprint(NamedTuple):
    """Resources of the process that must not grow."""

    megabytes: float
    threads: int
    handles: int
    files: int


@pytest.fixture(scope="module")
def victim(sandbox) -> str:
    """A repository with one image. No test may change it."""
    threading.Thread(target=sandbox.process.stderr.read, daemon=True).start()  # a full pipe would block the sandbox
    ecr = sandbox.client()
    ecr.create_repository(repositoryName="victim")
    config = b"{}"
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    basic = sandbox.basic()
    _, headers, _ = sandbox.http("POST", "/v2/victim/blobs/uploads/", b"", Authorization=basic)
    kind = {"Authorization": basic, "Content_Type": "application/octet-stream"}
    assert sandbox.http("PUT", f"{headers['location']}?digest={digest}", config, **kind)[0] == 201
    layer = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layer,
        "layers": [layer],
    }
    kind["Content_Type"] = manifest["mediaType"]
    assert sandbox.http("PUT", "/v2/victim/manifests/v1", json.dumps(manifest).encode(), **kind)[0] == 201
    for name in ("hub", "public"):  # the first request creates their state
        send(int(json.loads(sandbox.http("GET", "/_sandbox")[2])[name].rpartition(":")[2]), request("GET", "/v2/"))
    return "victim"


@pytest.fixture
def unchanged(sandbox, victim):
    """Compares the contents and the footprint of the sandbox before and after a test."""
    before, small = contents(sandbox), footprint(sandbox)
    yield
    assert contents(sandbox) == before
    end = time.monotonic() + PATIENCE
    while (now := footprint(sandbox)).handles > small.handles + 40 or now.threads > small.threads + 16:
        assert time.monotonic() < end, (small, now)  # connections of the bad requests are closed again
        time.sleep(0.1)
    assert now.files <= small.files + 2, (small, now)
    assert now.megabytes <= small.megabytes + 60, (small, now)


def contents(sandbox) -> Contents:
    ecr, iam = sandbox.client(), sandbox.client("iam")
    described = [ecr.describe_repositories()["repositories"], iam.list_users()["Users"], iam.list_roles()["Roles"]]
    described += [ecr.describe_images(repositoryName="victim")["imageDetails"], ecr.describe_registry()["registryId"]]
    with contextlib.closing(sqlite3.connect(f"file:{sandbox.state}/state.db?mode=ro", uri=True)) as db:
        tables = ["images", "tags", "blobs", "children", "backends"]
        rows = [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall() for table in tables[:3]]
        rows += [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables[3:4]]
        rows += [db.execute("SELECT service, account, region FROM backends ORDER BY 1, 2, 3").fetchall()]
    return Contents(json.dumps(described, default=str), str(rows))


def footprint(sandbox) -> Footprint:
    process = psutil.Process(sandbox.process.pid)
    files = sum(1 for path in sandbox.state.rglob("*") if path.is_file())
    return Footprint(process.memory_info().rss / 1e6, process.num_threads(), process.num_fds(), files)


def many(soak: bool, soak_count: int, *strategies, examples=()):
    """Call the decorated function with generated cases: *soak_count* in the soak run, a thirtieth of that otherwise."""

    def run(check):
        count, sent = soak_count if soak else soak_count // 30, itertools.count()

        def counted(case):
            next(sent)
            check(*case)

        counted = given(st.tuples(*strategies))(counted)
        for case in examples:
            counted = example(case)(counted)
        settings(
            max_examples=count,
            database=None,
            derandomize=not soak,
            suppress_health_check=list(HealthCheck),
        )(counted)()
        assert next(sent) >= count, "hypothesis ran out of cases"

    return run


def send(port: int, raw: bytes, half_close: bool = False) -> int | None:
    """The status of the answer to *raw*, or None when the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection, method=raw.split(b" ")[0].decode("latin-1"))
        try:
            answer.begin()
            answer.read()
        except (http.client.BadStatusLine, ConnectionError):
            return None
        assert not any(name.lower() in ("x", "access-control-allow-origin") for name in answer.headers)
        return answer.status


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Transfer_Encoding" not in headers and "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def signed(body: bytes, service: str = "ecr", **headers: str) -> bytes:
    """A request with a valid signature for *body*."""
    call = AWSRequest("POST", "http://localhost/", {name.replace("_", "-"): v for name, v in headers.items()}, body)
    SigV4Auth(KEY, service, course.REGION).add_auth(call)
    return request("POST", "/", body, **{name.replace("-", "_"): str(value) for name, value in call.headers.items()})


# --- the AWS API ----------------------------------------------------------------------------------------------------


@st.composite
def broken_calls(draw) -> tuple[str, dict]:
    """An operation with an invalid value in at least one required parameter, or in any if the operation only reads."""
    operation = draw(st.sampled_from(MODEL.operation_names))
    shape = MODEL.operation_model(operation).input_shape
    members = list(shape.members) if shape else []
    body = {name: draw(JUNK) for name in members if draw(st.booleans())}
    required = list(shape.required_members) if shape else []
    if required:
        first = "repositoryName" if "repositoryName" in required else required[0]
        body[first] = draw(HOSTILE | st.integers() | st.lists(st.integers(), min_size=1, max_size=3) | st.none())
    elif not reads_only(operation):
        body = dict.fromkeys(members, "!")
    return operation, body


def test_a_call_with_wrong_parameters_is_a_client_error(sandbox, soak, unchanged):
    statuses = set()

    @many(soak, 3000, broken_calls())
    def _(call):
        operation, body = call
        raw = signed(json.dumps(body).encode(), X_Amz_Target=f"{TARGET}.{operation}")
        status = send(sandbox.port, raw)
        assert status in ((200, 400) if reads_only(operation) else (400,)), (status, operation, body)
        statuses.add(status)

    assert 400 in statuses


NOT_JSON = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(str.encode),
    st.integers(1, 100_000).map(lambda depth: b"[" * depth),
    st.integers(1, 30_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
    st.sampled_from([b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"repositoryName":', b"\xff\xfe{}", b"\xef\xbb\xbf{}"]),
    st.sampled_from([b'{"maxResults":' + b"9" * 5000 + b"}", b'{"maxResults":1e999}', b'{"maxResults":NaN}']),
    st.integers(1, 10**6).map(lambda size: b'{"nextToken":"' + b"a" * size + b'"}'),
)


def test_a_body_that_is_not_json_is_refused(sandbox, soak, unchanged):
    @many(
        soak, 1500, NOT_JSON, st.sampled_from(["DescribeRepositories", "CreateRepository", "PutImage", "No such", ""])
    )
    def _(body, operation):
        empty_is_fine = {200} if operation == "DescribeRepositories" else set()
        assert send(sandbox.port, signed(body, X_Amz_Target=f"{TARGET}.{operation}")) in {400} | empty_is_fine


def test_a_query_request_with_wrong_parameters_is_refused(sandbox, soak, unchanged):
    actions = st.sampled_from(
        ["CreateUser", "PutUserPolicy", "AssumeRole", "GetUser", "CreateRole", "AttachUserPolicy", "Nothing"]
    )
    pairs = st.lists(
        st.tuples(st.sampled_from(["UserName", "PolicyDocument", "RoleArn", "Tags.member.1.Key"]), HOSTILE)
    )

    @many(soak, 600, actions, pairs, st.sampled_from(["iam", "sts"]))
    def _(action, pairs, service):
        form = "&".join(
            [f"Action={action}", "Version=2010-05-08"]
            + [f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in pairs if name != "UserName"]
            + ["UserName=%00%2F.."]
        )
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        status = send(sandbox.port, signed(form.encode(), service, Content_Type=kind))
        assert status is not None
        assert 400 <= status < 500, (status, service, form)


def test_requests_with_wrong_headers_are_refused(sandbox, soak, unchanged):
    names = st.sampled_from(
        ["Authorization", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token", "Content-Type", "Cookie"]
    )
    values = HOSTILE | st.sampled_from(
        [
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=",
            "Basic",
            "Basic !!!",
            "Basic " + "A" * 20000,
            "Bearer x",
            "Digest a=b",
            f"AWS4-HMAC-SHA256 Credential={course.ACCESS_KEY}/20260101/us-east-1/ecr/aws4_request, "
            f"SignedHeaders=host, Signature={'0' * 64}",
            "99999999T999999Z",
            "00000101T000000Z",
            "X.CreateRepository",
            "x" * 60000,
        ]
    )

    @many(
        soak,
        1000,
        st.dictionaries(names, values.map(lambda value: value.replace("\r\n", " ")), min_size=1),
        st.booleans(),
    )
    def _(headers, registry):
        lines = {name.replace("-", "_"): value for name, value in headers.items()}
        path = "/v2/victim/manifests/v1" if registry else "/"
        status = send(sandbox.port, request("GET" if registry else "POST", path, **lines))
        assert status is not None
        assert 400 <= status < 500, (status, headers)


# --- the registry ---------------------------------------------------------------------------------------------------

PATHS = st.sampled_from(
    [
        "/v2/{}",
        "/v2/{}/tags/list",
        "/v2/victim/manifests/{}",
        "/v2/victim/blobs/{}",
        "/v2/victim/blobs/uploads/{}",
        "/v2/{}/manifests/v1",
        "/v2/{}/blobs/" + DIGEST,
        "/v2/{}/blobs/uploads/",
        "/v2/victim/referrers/{}",
        "/v2/victim/{}",
        "/v2/victim/tags/list?n={}",
        "/v2/victim/tags/list?last={}",
        "/v2/victim/{}/v1",
        "/{}",
        "/v2/_catalog?n={}",
        "/v2/victim/blobs/uploads/00000000-0000-4000-8000-000000000000?digest={}",
    ]
)
METHODS = st.sampled_from(
    ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 50]
)


def escaped(part: str, keep_slashes: bool) -> str:
    safe = "%/" if keep_slashes else ""
    return quote(part.encode("utf-8", "surrogatepass"), safe=safe)


def test_wrong_requests_to_the_registry_are_client_errors(sandbox, soak, unchanged):
    basic = sandbox.basic()
    bodies = st.binary(max_size=200) | JUNK.map(lambda junk: json.dumps(junk).encode()) | st.just(b"[" * 50_000)
    bodies |= st.sampled_from(
        [{"schemaVersion": 2, "layers": x} for x in (1, [1], {}, [{"digest": 1}], [{"size": -1}])]
    ).map(lambda manifest: json.dumps({**manifest, "config": {"digest": DIGEST, "size": "x"}}).encode())
    ranges = st.sampled_from(["", "bytes=0-", "bytes=-1", "bytes=9-1", "bytes=a-b", "0-9", "9" * 400 + "-0"])

    @many(soak, 2500, METHODS, PATHS, HOSTILE, st.booleans(), bodies, ranges)
    def _(method, path, part, keep_slashes, body, given_range):
        if path == "/v2/victim/{}" and part == "/":
            return
        headers = {"Authorization": basic, "Range": given_range, "Content_Range": given_range}
        raw = request(method, path.format(escaped(part, keep_slashes)), body, **headers)
        status = send(sandbox.port, raw)
        assert status is not None
        reads = method in ("GET", "HEAD")
        assert 400 <= status < 500 or (reads and status in (200, 206, 307)), (status, raw[:300])


@pytest.mark.parametrize("name", ["hub", "public"])
def test_wrong_requests_to_docker_hub_and_ecr_public_are_client_errors(sandbox, soak, unchanged, name):
    port = int(json.loads(sandbox.http("GET", "/_sandbox")[2])[name].rpartition(":")[2])
    other = st.sampled_from(
        ["/token?scope={}", "/v2/repositories/{}/tags", "/v2/users/login", "/{}", "/v2/library/{}/manifests/1"]
    )

    @many(
        soak,
        450,
        METHODS,
        PATHS | other,
        HOSTILE,
        st.binary(max_size=100),
        st.sampled_from(["", "Basic eDp5", "Bearer x", "JWT ."]),
    )
    def _(method, path, part, body, authorization):
        raw = request(method, path.format(escaped(part, False)), body, Authorization=authorization)
        status = send(port, raw)
        assert status is not None
        assert status < 500, (status, raw[:300])
        assert status >= 400 or method in ("GET", "HEAD"), (status, raw[:300])


# --- HTTP itself ----------------------------------------------------------------------------------------------------

CHUNKED = "Transfer-Encoding: chunked"
BODIES = [
    (CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n"),
    (CHUNKED, b"-5\r\nabc\r\n0\r\n\r\n"),
    (CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"),
    (CHUNKED, b"3\r\nabcdef\r\n0\r\n\r\n"),
    (CHUNKED, b"ffffffffffffffff\r\nabc"),
    (CHUNKED, b"fffffff\r\nabc"),
    (CHUNKED, b"3;" + b"x" * 70_000 + b"\r\nabc\r\n0\r\n\r\n"),
    (CHUNKED, b"3\nabc\n0\n\n"),
    (CHUNKED, b"3\r\nabc\r\n"),
    (CHUNKED, b"0\r\n" + b"A: b\r\n" * 1000 + b"\r\n"),
    (CHUNKED, b""),
    ("Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"),
    ("Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    ("Transfer-Encoding: identity", b"abc"),
    ("Transfer-Encoding: chunked, chunked", b"0\r\n\r\n"),
    ("Transfer-Encoding:\x0bchunked", b"0\r\n\r\n"),
    ("Content-Length: 100", b"abc"),
    ("Content-Length: -1", b"abc"),
    ("Content-Length: +3", b"abc"),
    ("Content-Length: 3, 3", b"abc"),
    ("Content-Length: 3\r\nContent-Length: 4", b"abcd"),
    ("Content-Length: 1_0", b"abcdefghij"),
    ("Content-Length: " + "9" * 30, b"abc"),
    ("Content-Length: " + "9" * 5000, b"abc"),
    ("Content-Length: x", b"abc"),
    ("Content-Length: 3\r\n folded: yes", b"abc"),
    ("No colon", b""),
    (": no name", b""),
    ("Bad name: x", b""),
    ("X-Nul: a\0b", b""),
    ("Host: localhost\r\nHost: evil.example", b""),
    ("\r\n".join(f"X-{n}: y" for n in range(2000)), b""),
    ("X: " + "y" * 100_000, b""),
    ("Expect: 100-continue\r\nContent-Length: 7", b""),
    ("Content-Encoding: gzip\r\nContent-Length: 3", b"abc"),
]
LINES = ["", "GET", "GET /", "GET / HTTP/9.9", "GET / HTTP/1", "GET / HTTP/x.y", "GET  /  HTTP/1.1", "/ GET HTTP/1.1"]
LINES += [
    "GET http://evil.example/ HTTP/1.1",
    "GET * HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03",
]
LINES += [
    "PRI * HTTP/2.0",
    "GET /" + "a" * 100_000 + " HTTP/1.1",
    "POST / HTTP/1.0",
    "GET /%zz%1 HTTP/1.1",
    "GET //[::1 HTTP/1.1",
]
STARTS = ["POST / HTTP/1.1", "PATCH /v2/victim/blobs/uploads/00000000-0000-4000-8000-000000000000 HTTP/1.1"]
STARTS += ["PUT /v2/victim/manifests/bad HTTP/1.1", "GET /_sandbox HTTP/1.1"]


def test_broken_http_is_a_client_error_or_closes_the_connection(sandbox, soak, unchanged):
    """Every kind of broken body and head, then generated ones. The client closes its side, so no read waits."""
    basic = sandbox.basic()
    lines = st.sampled_from(STARTS) | st.sampled_from(LINES) | st.text(max_size=40)
    parts = st.sampled_from(BODIES) | st.tuples(st.text(max_size=60), st.binary(max_size=60))
    every = [(start, body, True) for body in BODIES for start in STARTS] + [(line, ("", b""), True) for line in LINES]

    @many(soak, 1000, lines, parts, st.booleans(), examples=every)
    def _(line, part, known):
        header, body = part
        head = [line, "Host: localhost", *([f"Authorization: {basic}"] if known else []), *([header] if header else [])]
        raw = "\r\n".join(head).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body
        status = send(sandbox.port, raw, half_close=True)
        assert status is None or 400 <= status < 500 or (line.startswith("GET") and status in (100, 200)), (
            status,
            raw[:300],
        )


def test_an_unread_body_is_not_parsed_as_the_next_request(sandbox):
    """The bytes after a refused head are its body, never a new request (request smuggling)."""
    hidden = request("GET", "/_sandbox").replace(b"Connection: close\r\n", b"")
    large = (
        hidden.replace(b"\r\n\r\n", b"\r\nCookie: " + b"x" * 60_000 + b"\r\n\r\n") * 30
    )  # more than the server drains
    for body in (hidden, large):
        chunk = f"{len(body):x}".encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
        for head, sent in (
            (f"Content-Length: {len(body)}", body),
            ("Transfer-Encoding: chunked", chunk),
            ("Content-Length: 4\r\nTransfer-Encoding: chunked", chunk),
        ):
            raw = f"POST / HTTP/1.1\r\nHost: evil.example\r\n{head}\r\n\r\n".encode() + sent
            answers = b"".join(received(sandbox.port, raw))
            assert answers.count(b"HTTP/1.1 ") <= 1  # none, if the server closes the connection before we finish
            assert b"versions" not in answers


def received(port: int, raw: bytes) -> Iterator[bytes]:
    """All bytes that the server sends back for *raw*."""
    with (
        contextlib.suppress(ConnectionError),
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection,
    ):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            yield piece


def test_pipelined_requests_are_answered_in_order(sandbox):
    requests = [request("GET", "/_sandbox"), request("GET", "/v2/"), request("GET", "/_sandbox")]
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as connection:
        connection.sendall(b"".join(requests).replace(b"Connection: close\r\n", b"", 2))
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]] == [200, 401, 200]


# --- limits ---------------------------------------------------------------------------------------------------------


def answer_to(sandbox, raw: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def test_a_head_of_more_than_64_kibibytes_is_refused(sandbox):
    fits, too_large = "x" * 60_000, "x" * 70_000
    assert answer_to(sandbox, request("GET", "/_sandbox", Cookie=fits))[0] == 200
    status, body = answer_to(sandbox, request("GET", "/v2/", Cookie=too_large))
    assert (status, list(json.loads(body))) == (413, ["errors"])
    status, body = answer_to(sandbox, request("POST", "/", Cookie=too_large))
    assert (status, "__type" in json.loads(body)) == (413, True)
    assert answer_to(sandbox, request("GET", f"/{too_large}"))[0] == 414


def test_an_api_call_of_more_than_32_mebibytes_is_refused(sandbox):
    """A declared length is refused before the body is read; a chunked body is refused when it reaches the limit."""
    status, body = answer_to(sandbox, request("POST", "/", b"x", Content_Length=str(32 * 1024 * 1024 + 1)))
    assert (status, json.loads(body)["__type"]) == (413, "RequestEntityTooLargeException")
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    endless = request("POST", "/", piece * (33 * 16), Transfer_Encoding="chunked")
    status, body = answer_to(sandbox, endless)
    assert (status, json.loads(body)["__type"]) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize(
    ("status", "body", "head"),
    [
        (413, b"abc", {"Content_Length": str(32 * 1024 * 1024 + 1)}),
        (413, b"abc", {"Content_Length": "9" * 23}),
        (413, b"7fffffffffffff\r\n", {"Transfer_Encoding": "chunked"}),
        (400, b"zz\r\n", {"Transfer_Encoding": "chunked"}),
        (400, b"5\r\nhelloworld\r\n", {"Transfer_Encoding": "chunked"}),
    ],
)
def test_a_form_that_cannot_be_read_is_a_client_error(sandbox, kind, status, body, head):
    """The answer's protocol depends on the form too: RFC 9110, sections 15.5.1 and 15.5.14."""
    sent = request("POST", "/", body, Content_Type=kind, **head)
    assert answer_to(sandbox, sent)[0] == status


def test_a_manifest_of_more_than_4_mebibytes_is_refused(sandbox, victim):
    manifest = json.dumps({"schemaVersion": 2, "padding": "x" * 4 * 1024 * 1024}).encode()
    status, body = answer_to(
        sandbox, request("PUT", "/v2/victim/manifests/v2", manifest, Authorization=sandbox.basic())
    )
    assert (status, list(json.loads(body))) == (413, ["errors"])


def test_a_refused_body_is_not_held_in_memory(sandbox):
    """An unauthenticated client announces 10 GB and sends 100 MB of them."""
    before = psutil.Process(sandbox.process.pid).memory_info().rss
    for head in ("Content-Length: 10000000000", CHUNKED):
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as connection:
            connection.sendall(f"POST / HTTP/1.1\r\nHost: evil.example\r\n{head}\r\n\r\n".encode())
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"2540be400\r\n" if head == CHUNKED else b"")
                for _ in range(100):
                    connection.sendall(bytes(1_000_000))
    assert psutil.Process(sandbox.process.pid).memory_info().rss < before + 30e6


# --- slow and silent clients ----------------------------------------------------------------------------------------


def test_slow_and_silent_clients_do_not_block_others(sandbox, soak, victim):
    """Clients that send nothing, or stop in a head, a body or an upload: 100 of them, 200 in the soak run."""
    basic = sandbox.basic()
    beginnings = [
        b"",
        b"GET /v2/ HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc",
        request("PUT", "/v2/victim/manifests/x", b"5\r\na", Authorization=basic, Transfer_Encoding="chunked"),
    ]
    ecr = sandbox.client()
    with contextlib.ExitStack() as stack:
        connections = []
        for number in range(200 if soak else 100):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE))
            connection.sendall(beginnings[number % 4])
            connections.append(connection)
        started = time.monotonic()
        for _ in range(20):
            assert ecr.describe_repositories(repositoryNames=["victim"])["repositories"]
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(b"a")
        assert time.monotonic() - started < 15  # without the slow clients it takes 0.1 s
