"""Who may talk to the sandbox, and what they may learn from it: a test for each row of docs/threats.md.

Rows whose test is elsewhere name it there; tests/docs/test_threats.py keeps both lists in step.
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
    """Every port of the sandbox, with one of a registry of another account."""
    sandbox.client(key=OTHER).get_authorization_token()
    return json.loads(sandbox.http("GET", "/_sandbox")[2])["ports"]


def answered(port: int, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as talk:
        talk.sendall(raw)
        answer = http.client.HTTPResponse(talk)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


# --- the network ----------------------------------------------------------------------------------------------------


def test_only_this_machine_can_connect(sandbox):
    """The sandbox listens on 127.0.0.1 only, on every port; its registry on no port at all."""
    asked = set(ports(sandbox))
    process = psutil.Process(sandbox.process.pid)
    heard = {
        listening.laddr
        for each in [process, *process.children(recursive=True)]
        for listening in each.net_connections("inet")
        if listening.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in heard} == {"127.0.0.1"}
    assert {address.port for address in heard} == asked
    assert len(asked) >= 4


def test_a_foreign_host_name_is_refused_on_every_port(sandbox):
    for port in ports(sandbox):
        for host in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", "[::ffff:10.0.0.1]", ""):
            raw = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            assert answered(port, raw)[0] == 403, (port, host)
        assert answered(port, b"GET /v2/ HTTP/1.0\r\n\r\n")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Content_Type": "text/plain"},
        {"Origin": "https://evil.example", "Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_web_page_of_another_site_gets_nothing(sandbox, headers):
    """Not even with a good signature or token, and no answer ever allows a page to read it."""
    basic = sandbox.basic()
    body = b"Action=ListUsers&Version=2010-05-08"
    for port in ports(sandbox):
        asked = [
            request("POST", "/", body, **headers),
            request("GET", "/v2/", Authorization=basic, **headers),
            request("OPTIONS", "/", Access_Control_Request_Method="POST", **headers),
        ]
        for raw in asked:
            status, given, _ = answered(port, raw)
            assert status == 403, raw
            assert not [name for name in given if name.startswith("access-control-")]
    status, given, _ = answered(sandbox.port, signed(b"{}", X_Amz_Target="X.DescribeRepositories", **headers))
    assert status == 403


def test_no_answer_lets_another_page_read_it(sandbox):
    """A page on this machine may ask (a notebook's, say), but a browser shows it no answer."""
    for port in ports(sandbox):
        for method in ("GET", "OPTIONS", "POST"):
            _, given, _ = answered(port, request(method, "/v2/", Origin="http://localhost:8888"))
            assert not [name for name in given if name.startswith("access-control-")]


def test_no_proxy_hears_of_it(own_sandbox, tmp_path):
    """The sandbox asks nobody by way of the user's proxy."""
    with trap() as (port, caught):
        proxy = f"http://127.0.0.1:{port}"
        own_sandbox.start(
            ["env", *(f"{name}={proxy}" for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"))]
        )
        own_sandbox.client().create_repository(repositoryName="app")
        assert Client(own_sandbox, own_sandbox.basic()).push("app", "v1", b"content")[0] == 201
        assert not caught


def test_no_url_of_a_client_is_fetched(sandbox, repository):
    """A layer's own address, a manifest's, a cache rule's, a Host header's: none is asked."""
    client = Client(sandbox, sandbox.basic())
    with trap() as (port, caught):
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
        time.sleep(0.3)  # for whoever would do it later
        assert not caught


@contextlib.contextmanager
def trap():
    """A port, and who connected to it."""
    caught: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    talk, _ = server.accept()
                    caught.append(talk.recv(100))
                    talk.close()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], caught
        server.shutdown(socket.SHUT_RDWR)


# --- who it is ------------------------------------------------------------------------------------------------------


def test_a_token_of_another_installation_is_worth_nothing(sandbox, tmp_path):
    """The secret that signs them is made anew for each state folder."""
    me = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    ours, theirs = (Tokens(path / "secret").mint(me)[0] for path in (sandbox.state, tmp_path))
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(ours)}")[0] == 200
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(theirs)}")[0] == 400
    assert (sandbox.state / "secret").read_text() != (tmp_path / "secret").read_text()


def test_a_token_of_yesterday_is_worth_nothing(sandbox):
    me = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    old, _ = Tokens(sandbox.state / "secret").mint(me, made=int(time.time()) - 12 * 3600 - 5)
    assert sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(old)}")[0] == 403


def test_what_a_token_says_cannot_be_changed(sandbox, person):
    """Not whose it is, not for which Region."""
    [data] = person.client().get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    said, *rest = password.split(".")
    caller = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    assert caller["access_key"] == person.key[0]
    for change in ({"access_key": settings.ACCESS_KEY}, {"region": "eu-west-1"}, {"account": settings.OTHER_ACCOUNT}):
        forged = base64.urlsafe_b64encode(json.dumps({**caller, **change}).encode()).decode().rstrip("=")
        token = authorization(".".join([forged, *rest]))
        assert sandbox.http("GET", "/v2/", Authorization=f"Basic {token}")[0] == 400


def test_moto_s_own_doors_are_not_there(sandbox, repository):
    """moto can be reset and read without a key; here nobody reaches that."""
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


def test_nothing_beside_the_signature_moves_a_call_to_another_account(sandbox, repository):
    """moto believes such headers and fields."""
    strange = {"X_Moto_Account_Id": settings.OTHER_ACCOUNT, "Referer": "http://ecr.eu-west-1.amazonaws.com/"}
    body = json.dumps(
        {"repositoryName": repository, "region": "eu-west-1", "account_id": settings.OTHER_ACCOUNT}
    ).encode()
    target = "AmazonEC2ContainerRegistry_V20150921.DescribeImages"
    status, _, said = answered(sandbox.port, signed(body, X_Amz_Target=target, **strange))
    assert (status, json.loads(said)) == (200, {"imageDetails": []})  # it is in this account and Region only


# --- what is asked for ----------------------------------------------------------------------------------------------

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
def test_no_name_is_a_way_to_another_file(sandbox, repository, part):
    """As repository, tag, digest, upload or page: nothing is made, read or removed outside."""
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
            status, _, said = client.ask(method, path, b"x")
            assert 400 <= status < 500, (method, path, said)
    body = json.dumps({"repositoryName": part}).encode()
    for operation in ("CreateRepository", "DeleteRepository", "DescribeImages", "InitiateLayerUpload"):
        raw = signed(body, X_Amz_Target=f"AmazonEC2ContainerRegistry_V20150921.{operation}")
        assert send(sandbox.port, raw) == 400, operation
    assert files(sandbox) == before
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []


def files(sandbox: Sandbox) -> set[str]:
    """Everything below the state folder and beside it, but for the log of SQLite."""
    return {str(path) for path in sandbox.state.parent.rglob("*") if "state.db" not in path.name}


@pytest.mark.parametrize("part", ["a%0d%0aX-Evil:%20yes", "a%0aX-Evil:%20yes", "a%0dX-Evil:yes", "%E5%90%8D", "%C3%A9"])
def test_no_name_becomes_a_header_of_the_answer(sandbox, repository, part):
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
                status, given, _ = answered(port, request(method, path, b"{}", Authorization=basic))
                assert "x-evil" not in given
                assert status < 500, (method, path)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_body_is_unpacked(sandbox, repository, encoding):
    """A hundred kilobytes that would become a hundred megabytes stay what they are: no JSON."""
    bomb = gzip.compress(b" " * 100_000_000)
    before = psutil.Process(sandbox.process.pid).memory_info().rss
    target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"
    assert send(sandbox.port, signed(bomb, X_Amz_Target=target, Content_Encoding=encoding)) == 400
    kind = {"Authorization": sandbox.basic(), "Content_Type": MANIFEST_TYPE, "Content_Encoding": encoding}
    assert send(sandbox.port, request("PUT", f"/v2/{repository}/manifests/v1", bomb, **kind)) == 405  # no manifest
    assert psutil.Process(sandbox.process.pid).memory_info().rss < before + 30e6


# --- this machine's other users, and the files ----------------------------------------------------------------------


def test_nobody_else_opens_the_state_folder(own_sandbox):
    """Whatever the umask is, and whatever the folder was; secrets are closed a second time."""
    own_sandbox.state.mkdir()
    own_sandbox.state.chmod(0o777)
    own_sandbox.start(["bash", "-c", 'umask 0; exec "$@"', "-"])
    own_sandbox.basic()
    assert stat.S_IMODE(own_sandbox.state.stat().st_mode) == 0o700
    secrets = [path for path in own_sandbox.state.iterdir() if "secret" in path.name]
    assert {path.name for path in secrets} >= {"secret"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_nothing_secret_is_written_down(own_sandbox, make_image, tmp_path):
    """After a login, a push and a pull by a user with a key: in no log, status or file name."""
    own_sandbox.start()
    own_sandbox.client().create_repository(repositoryName="app")
    someone = Person(own_sandbox, "ann", tmp_path / "ann")
    someone.may({"Action": "ecr:*", "Resource": "*"})
    [data] = someone.client().get_authorization_token()["authorizationData"]
    image = make_image(f"{own_sandbox.registry}/app:v1")
    someone.login(own_sandbox.registry)
    someone.run(f"docker push {image} && docker rmi {image} && docker pull {image}")
    own_sandbox.http("GET", "/v2/", Authorization="Basic QVdTOndyb25n")  # refused, which may be logged too
    kept = {path.name: path.read_text() for path in own_sandbox.state.iterdir() if path.name.endswith("secret")}
    status = own_sandbox.http("GET", "/_sandbox")[2].decode()
    own_sandbox.process.terminate()
    said = own_sandbox.process.stdout.read() + own_sandbox.process.stderr.read()
    said += status + "\n".join(map(str, own_sandbox.state.rglob("*")))
    said += "".join(path.read_text() for path in (own_sandbox.state / "log").iterdir())
    said += (own_sandbox.state / "ports.json").read_text()
    hidden = [someone.key[1], settings.SECRET_KEY, settings.OTHER_SECRET_KEY, *kept.values()]
    hidden += [data["authorizationToken"], "QVdTOndyb25n"]
    assert kept
    for secret in hidden:
        assert len(secret) > 10
        assert secret not in said


def test_no_notebook_shows_a_password():
    """Neither a docker password nor the secret of a key."""
    shown = re.compile(
        r"eyJ[A-Za-z0-9_-]{20,}\.|QVdTOmV5[A-Za-z0-9+/]{20,}|(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    )
    for path in sorted((settings.PROJECT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("text", [])) + "".join(output.get("data", {}).get("text/plain", []))
                for found in shown.findall(text):
                    assert re.fullmatch(r"[0-9a-f]{40}", found) or "EXAMPLE" in found, f"{path.name}: {found}"


def test_only_our_own_file_is_unpickled():
    """A pickle is a program; the only one that is read is the state's, which nobody else can write."""
    readers = [
        path.name
        for path in (settings.PROJECT / "sandbox").rglob("*.py")
        if re.search(r"pickle\.loads?\(|Unpickler|shelve|yaml\.load\(|marshal\.load|\beval\(", path.read_text())
    ]
    assert readers == ["persistence.py"]
