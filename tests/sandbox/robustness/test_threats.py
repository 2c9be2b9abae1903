"""Security tests: who can use the sandbox and what they can read. Each test is in a row of docs/threats.md.

Some rows name tests in other files. tests/docs/test_threats.py compares the table and the tests.
"""

import base64
import contextlib
import gzip
import http.client
import json
import re
import socket
import stat
import threading
import time

import psutil
import pytest

from ecr_sandbox.auth.token import Caller, Tokens, authorization
from helpers import settings
from tests.sandbox.conftest import PATIENCE, Person, Sandbox
from tests.sandbox.robustness.test_bad_input import request, send, signed
from tests.sandbox.robustness.test_many_clients import CONFIG_TYPE, MANIFEST_TYPE, Client, digest

OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)


def ports(sandbox: Sandbox) -> list[int]:
    """Every port of the sandbox, including a registry of another account."""
    sandbox.client(key=OTHER).get_authorization_token()
    return json.loads(sandbox.http("GET", "/_sandbox")[2])["ports"]


def response_to(port: int, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


# --- the network ----------------------------------------------------------------------------------------------------


def test_only_this_machine_can_connect(sandbox):
    """Every port listens on 127.0.0.1 and ::1, and no port listens that the sandbox does not report."""
    reported = set(ports(sandbox))
    process = psutil.Process(sandbox.process.pid)
    listening = {
        connection.laddr
        for each in [process, *process.children(recursive=True)]
        for connection in each.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert set(listening) == {(ip, port) for ip in ("127.0.0.1", "::1") for port in reported}
    assert len(reported) >= 4


def test_a_foreign_host_name_is_refused_on_every_port(sandbox):
    for port in ports(sandbox):
        for host in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", "[::ffff:10.0.0.1]", ""):
            raw = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            assert response_to(port, raw)[0] == 403, (port, host)
        assert response_to(port, b"GET /v2/ HTTP/1.0\r\n\r\n")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8888"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example", "Content_Type": "text/plain"},
        {"Origin": "https://evil.example", "Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_request_from_another_site_is_refused(sandbox, headers):
    """A valid signature or token makes no difference, and no response has a CORS header."""
    basic = sandbox.basic()
    body = b"Action=ListUsers&Version=2010-05-08"
    for port in ports(sandbox):
        requests = [
            request("POST", "/", body, **headers),
            request("GET", "/v2/", Authorization=basic, **headers),
            request("OPTIONS", "/", Access_Control_Request_Method="POST", **headers),
        ]
        for raw in requests:
            status, given, _ = response_to(port, raw)
            assert status == 403, raw
            assert not [name for name in given if name.startswith("access-control-")]
    status, given, _ = response_to(sandbox.port, signed(b"{}", X_Amz_Target="X.DescribeRepositories", **headers))
    assert status == 403


def test_no_response_has_a_cors_header(sandbox):
    """So the browser does not let a page read a response, whatever the request was."""
    for port in ports(sandbox):
        for method in ("GET", "OPTIONS", "POST"):
            _, given, _ = response_to(port, request(method, "/v2/", Origin="http://localhost"))
            assert not [name for name in given if name.startswith("access-control-")]


def test_the_sandbox_does_not_use_the_proxy_of_the_user(own_sandbox, tmp_path):
    with connection_recorder() as (port, connections):
        proxy = f"http://127.0.0.1:{port}"
        own_sandbox.start(
            ["env", *(f"{name}={proxy}" for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"))]
        )
        own_sandbox.client().create_repository(repositoryName="app")
        assert Client(own_sandbox, own_sandbox.basic()).push("app", "v1", b"content")[0] == 201
        assert not connections


def test_no_url_from_a_client_is_fetched(sandbox, repository):
    """URLs of a layer, a manifest, a mount and a pull through cache rule."""
    client = Client(sandbox, sandbox.basic())
    with connection_recorder() as (port, connections):
        url = f"http://127.0.0.1:{port}/layer"
        foreign = {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "digest": digest(b"x"),
            "size": 1,
        }
        assert client.push(repository, "config", b"{}")[0] == 201
        config = {"mediaType": CONFIG_TYPE, "digest": digest(b"{}"), "size": 2, "urls": [url]}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config,
            "layers": [{**foreign, "urls": [url]}],
        }
        client.ask("PUT", f"/v2/{repository}/manifests/foreign", json.dumps(manifest).encode(), MANIFEST_TYPE)
        client.ask("GET", f"/v2/{repository}/blobs/{digest(b'x')}")
        client.ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest(b'x')}&from={url}")
        with contextlib.suppress(Exception):
            sandbox.client().create_pull_through_cache_rule(
                ecrRepositoryPrefix="up", upstreamRegistryUrl=f"127.0.0.1:{port}"
            )
        client.ask("GET", "/v2/up/app/manifests/latest")
        time.sleep(0.3)  # a background job could connect later
        assert not connections


@contextlib.contextmanager
def connection_recorder():
    """A port, and the list of connections to it."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connections.append(connection.recv(100))
                    connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], connections
        server.shutdown(socket.SHUT_RDWR)


# --- credentials ----------------------------------------------------------------------------------------------------


def test_a_token_of_another_installation_is_refused(sandbox, tmp_path):
    """Each state folder has its own signing secret."""
    me = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    ours, theirs = (Tokens(path / "secret").mint(me)[0] for path in (sandbox.state, tmp_path))
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(ours)}")[0] == 200
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(theirs)}")[0] == 400
    assert (sandbox.state / "secret").read_text() != (tmp_path / "secret").read_text()


def test_an_expired_token_is_refused(sandbox):
    me = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    old, _ = Tokens(sandbox.state / "secret").mint(me, made=int(time.time()) - 12 * 3600 - 5)
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(old)}")[0] == 403


def test_a_token_with_changed_claims_is_refused(sandbox, person):
    [data] = person.client().get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    claims, *rest = password.split(".")
    caller = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert caller["access_key"] == person.key[0]
    for change in ({"access_key": settings.ACCESS_KEY}, {"region": "eu-west-1"}, {"account": settings.OTHER_ACCOUNT}):
        forged = base64.urlsafe_b64encode(json.dumps({**caller, **change}).encode()).decode().rstrip("=")
        token = authorization(".".join([forged, *rest]))
        assert sandbox.http("GET", "/v2/", Authorization=f"Basic {token}")[0] == 400


def test_the_control_api_of_moto_is_not_reachable(sandbox, repository):
    """moto alone can be reset and read without a key."""
    paths = [
        "/moto-api/",
        "/moto-api/reset",
        "/moto-api/data.json",
        "/moto-api/seed?a=1",
        "/moto-api/state-manager/set-transition",
    ]
    for path in paths:
        for method in ("GET", "POST"):
            assert 400 <= send(sandbox.port, request(method, path)) < 500
            assert 400 <= send(sandbox.port, request(method, path, Authorization=sandbox.basic())) < 500
            hosted = request(method, path).replace(b"Host: localhost", b"Host: motoapi.amazonaws.com")
            assert send(sandbox.port, hosted) == 403
    assert sandbox.client().describe_repositories(repositoryNames=[repository])["repositories"]


def test_only_the_signature_selects_account_and_region(sandbox, repository):
    """moto alone takes account and Region from such headers and fields."""
    spoofed = {"X_Moto_Account_Id": settings.OTHER_ACCOUNT, "Referer": "http://ecr.eu-west-1.amazonaws.com/"}
    body = json.dumps(
        {"repositoryName": repository, "region": "eu-west-1", "account_id": settings.OTHER_ACCOUNT}
    ).encode()
    target = "AmazonEC2ContainerRegistry_V20150921.DescribeImages"
    status, _, answer = response_to(sandbox.port, signed(body, X_Amz_Target=target, **spoofed))
    assert (status, json.loads(answer)) == (
        200,
        {"imageDetails": []},
    )  # it exists in this account and Region only


# --- names and bodies -----------------------------------------------------------------------------------------------

PATHS = [
    "..",
    "../..",
    "../../../../etc/passwd",
    "/etc/passwd",
    "%2e%2e",
    "..%2f..",
    "a/../../b",
    "a\0b",
    "a\\..\\b",
    "_uploads",
]


@pytest.mark.parametrize("part", PATHS)
def test_no_name_is_a_path_to_another_file(sandbox, repository, part):
    """As repository, tag, digest or upload: the request is refused and no file is created or deleted."""
    ecr = sandbox.client()
    before = files(sandbox)
    escaped = part.replace("\0", "%00").replace("\\", "%5c")
    client = Client(sandbox, sandbox.basic())
    paths = [
        f"/v2/{escaped}/manifests/v1",
        f"/v2/{repository}/manifests/{escaped}",
        f"/v2/{repository}/blobs/{escaped}",
    ]
    paths += [f"/v2/{repository}/blobs/uploads/{escaped}", f"/v2/{repository}/{escaped}/blobs/uploads/", f"/{escaped}"]
    for path in paths:
        for method in ("GET", "PUT", "POST", "DELETE"):
            status, _, answer = client.ask(method, path, b"x")
            assert 400 <= status < 500, (method, path, answer)
    body = json.dumps({"repositoryName": part}).encode()
    for operation in ("CreateRepository", "DeleteRepository", "DescribeImages", "InitiateLayerUpload"):
        raw = signed(body, X_Amz_Target=f"AmazonEC2ContainerRegistry_V20150921.{operation}")
        assert send(sandbox.port, raw) == 400, operation
    assert files(sandbox) == before
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []


def files(sandbox: Sandbox) -> set[str]:
    """All files in and next to the state folder, except those of SQLite."""
    return {str(path) for path in sandbox.state.parent.rglob("*") if "state.db" not in path.name}


@pytest.mark.parametrize("part", ["a%0d%0aX-Evil:%20yes", "a%0aX-Evil:%20yes", "a%0dX-Evil:yes", "%E5%90%8D", "%C3%A9"])
def test_no_name_adds_a_response_header(sandbox, repository, part):
    basic = sandbox.basic()
    paths = [
        f"/v2/{repository}/manifests/{part}",
        f"/v2/{part}/tags/list",
        f"/v2/{repository}/tags/list?n=1&last={part}",
    ]
    paths += [f"/v2/{repository}/blobs/uploads/?digest={part}", f"/{part}", f"/?{part}"]
    for port in ports(sandbox):
        for path in paths:
            for method in ("GET", "POST", "PUT"):
                status, given, _ = response_to(port, request(method, path, b"{}", Authorization=basic))
                assert "x-evil" not in given
                assert status < 500, (method, path)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_request_body_is_decompressed(sandbox, repository, encoding):
    """100 KB that would decompress to 100 MB are read as they are, and are not JSON."""
    bomb = gzip.compress(b" " * 100_000_000)
    before = psutil.Process(sandbox.process.pid).memory_info().rss
    target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"
    assert send(sandbox.port, signed(bomb, X_Amz_Target=target, Content_Encoding=encoding)) == 400
    kind = {"Authorization": sandbox.basic(), "Content_Type": MANIFEST_TYPE, "Content_Encoding": encoding}
    assert send(sandbox.port, request("PUT", f"/v2/{repository}/manifests/v1", bomb, **kind)) == 405  # not a manifest
    assert psutil.Process(sandbox.process.pid).memory_info().rss < before + 30e6


# --- files and other users of the machine --------------------------------------------------------------------------


def test_other_users_cannot_read_the_state_folder(own_sandbox):
    """Whatever the umask and the earlier mode of the folder. Secret files have mode 0600 too."""
    own_sandbox.state.mkdir()
    own_sandbox.state.chmod(0o777)
    own_sandbox.start(["bash", "-c", 'umask 0; exec "$@"', "-"])
    own_sandbox.basic()
    assert stat.S_IMODE(own_sandbox.state.stat().st_mode) == 0o700
    secrets = [path for path in own_sandbox.state.iterdir() if "secret" in path.name]
    assert {path.name for path in secrets} >= {"secret", "control-secret"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_no_secret_is_logged(own_sandbox, make_image, tmp_path):
    """After a login, a push and a pull, no log, status or file name contains a password or key."""
    own_sandbox.start()
    own_sandbox.client().create_repository(repositoryName="app")
    ann = Person(own_sandbox, "ann", tmp_path / "ann")
    ann.may({"Action": "ecr:*", "Resource": "*"})
    [data] = ann.client().get_authorization_token()["authorizationData"]
    image = make_image(f"{own_sandbox.registry}/app:v1")
    ann.login(own_sandbox.registry)
    ann.run(f"docker push {image} && docker rmi {image} && docker pull {image}")
    own_sandbox.http("GET", "/v2/", Authorization="Basic QVdTOndyb25n")  # refused; an error log could contain it
    kept = {path.name: path.read_text() for path in own_sandbox.state.iterdir() if path.name.endswith("secret")}
    status = own_sandbox.http("GET", "/_sandbox")[2].decode()
    own_sandbox.process.terminate()
    written = own_sandbox.process.stdout.read() + own_sandbox.process.stderr.read()
    written += status + "\n".join(map(str, own_sandbox.state.rglob("*")))
    written += "".join(path.read_text() for path in (own_sandbox.state / "log").iterdir())
    written += (own_sandbox.state / "ports.json").read_text()
    secrets = [ann.key[1], settings.SECRET_KEY, settings.OTHER_SECRET_KEY, *kept.values()]
    secrets += [data["authorizationToken"], "QVdTOndyb25n"]
    assert kept
    for secret in secrets:
        assert len(secret) > 10
        assert secret not in written


def test_no_notebook_shows_a_password():
    """No output contains a docker password or a secret access key."""
    shown = re.compile(
        r"eyJ[A-Za-z0-9_-]{20,}\.|QVdTOmV5[A-Za-z0-9+/]{20,}|(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    )
    for path in sorted((settings.PROJECT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("text", [])) + "".join(output.get("data", {}).get("text/plain", []))
                for found in shown.findall(text):
                    assert re.fullmatch(r"[0-9a-f]{40}", found) or "EXAMPLE" in found, f"{path.name}: {found}"


def test_pickles_are_read_in_one_place():
    """A pickle can run code: ``state/pickles.py`` restricts what it can name."""
    readers = [
        path.name
        for path in (settings.PROJECT / "sandbox").rglob("*.py")
        if re.search(r"pickle\.loads?\(|Unpickler|shelve|yaml\.load\(|marshal\.load|\beval\(", path.read_text())
    ]
    assert readers == ["pickles.py"]
