"""Newer advisories: fetched over a real connection from a server with OSV's API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ecr_sandbox import background, cli
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.services.ecr.scan import advisories, refresh
from ecr_sandbox.services.ecr.scan.match import match
from ecr_sandbox.services.ecr.scan.packages import Package
from ecr_sandbox.settings import Settings

# Shortened responses of https://api.osv.dev.
JINJA = {
    "schema_version": "1.7.3",
    "id": "GHSA-h75v-3vvj-5mfj",
    "aliases": ["CVE-2024-34064"],
    "modified": "2024-10-21T21:05:00.979067713Z",
    "published": "2024-05-06T14:20:59Z",
    "summary": "A summary",
    "details": "Long.\n\nWords.",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Jinja2", "purl": "pkg:pypi/jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.4"}]}],
            "versions": ["2.0", "3.1.3"],
            "database_specific": {"source": "https://github.com/github/advisory-database"},
        },
        {
            "package": {"ecosystem": "Alpine:v3.20", "name": "py3-jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.4-r0"}]}],
        },
    ],
    "references": [{"type": "WEB", "url": "https://example.org"}, {"type": "ADVISORY", "url": "https://example.com"}],
    "database_specific": {"severity": "MODERATE"},
}
DEBIAN = {
    "id": "DEBIAN-CVE-2026-1",
    "upstream": ["CVE-2026-1"],
    "modified": "2026-11-19T02:02:52Z",
    "details": "No summary here.",
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "pcre2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "10.42-1+deb12u3"}]}],
            "ecosystem_specific": {"urgency": "not yet assigned"},
        }
    ],
}
VULNS = {each["id"]: each for each in (JINJA, DEBIAN)}


class Osv:
    """The queries that the server received, and how it answers."""

    def __init__(self) -> None:
        self.queries: list[dict] = []
        self.status = 200

    def batch(self, queries: list[dict]) -> list[dict]:
        """Jinja2's advisory comes on a second page."""
        self.queries += queries
        return [self._result(query) for query in queries]

    def _result(self, query: dict) -> dict:
        name = query["package"]["name"]
        if name == "jinja2":
            return {"vulns": [{"id": JINJA["id"]}]} if query.get("page_token") else {"next_page_token": "more"}
        return {"vulns": [{"id": DEBIAN["id"], "modified": DEBIAN["modified"]}]} if name == "pcre2" else {}


@pytest.fixture
def osv() -> Iterator[tuple[Osv, str]]:
    """A server with OSV's two routes: its state and its address."""
    knows = Osv()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/querybatch"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer({"results": knows.batch(body["queries"])})

        def do_GET(self) -> None:
            self._answer(VULNS[self.path.removeprefix("/v1/vulns/")])

        def _answer(self, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(knows.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield knows, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("ECR_SANDBOX_STATE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def test_advisories_are_fetched_from_osv_and_then_used(osv, state):
    knows, url = osv
    packages, vulns = refresh.refresh([("PyPI", "Jinja2"), ("PyPI", "my_own")], state, url)
    queried = {(each["package"]["ecosystem"], each["package"]["name"]) for each in knows.queries}
    assert {("PyPI", "jinja2"), ("PyPI", "my-own"), ("Debian:12", "bash")} <= queried
    assert (packages, vulns) == (len(queried), 2)
    snapshot = advisories.load()
    assert snapshot.covered("PyPI", "my-own")
    assert ("Alpine:v3.20", "py3-jinja2") not in snapshot.of_package, "it was not queried"
    installed = Package("PyPI", "Jinja2", "3.1.3", "jinja2", "3.1.3", "", "")
    of_system = Package("Debian:12", "libpcre2-8-0", "10.42-1+deb12u2", "pcre2", "10.42-1+deb12u2", "", "")
    [one, other] = match([installed, of_system], snapshot).found
    assert (one.advisory.name, one.advisory.summary, one.fixed) == ("CVE-2024-34064", "A summary", "3.1.4")
    assert one.advisory.url == "https://example.com"
    assert (other.advisory.name, other.advisory.summary) == ("CVE-2026-1", "No summary here.")


def test_queries_are_sent_in_batches(osv, state, monkeypatch):
    knows, url = osv
    monkeypatch.setattr(refresh, "AT_A_TIME", 10)
    assert refresh.refresh([("PyPI", "jinja2")], state, url)[1] == 2
    assert len(knows.queries) > 90


@pytest.mark.parametrize("failure", ["down", "error", "nonsense"])
def test_a_failed_request_changes_nothing(osv, state, failure, monkeypatch):
    knows, url = osv
    knows.status = 503 if failure == "error" else 200
    if failure == "nonsense":
        monkeypatch.setattr(knows, "batch", lambda queries: ["what?"] * len(queries))
    with pytest.raises(SandboxError, match="nothing was changed"):
        refresh.refresh([], state, "http://127.0.0.1:9" if failure == "down" else url)
    assert advisories.folder() == advisories.SHIPPED
    assert not list(state.rglob("*.json"))


def test_the_command_shows_the_snapshot_and_fetches_new_advisories(osv, state, monkeypatch, capsys):
    def call(*arguments):
        cli.commands.main([*arguments], obj=lambda: Settings(state), standalone_mode=False)

    _, url = osv
    call("advisories")
    assert "changelogs of Debian's packages" in capsys.readouterr().out
    notified = []
    monkeypatch.setattr(refresh.refresh, "__defaults__", (None, url))
    monkeypatch.setattr(background, "seen_packages", lambda _: [("PyPI", "my-own")])
    monkeypatch.setattr(background, "advisories_changed", lambda _: notified.append(advisories.load().covers))
    call("advisories", "refresh")
    assert capsys.readouterr().out.startswith("✔ 2 advisories on ")
    assert ("PyPI", "my-own") in notified[0], "the sandbox is notified after the file is written"
    call("advisories")
    assert "OSV (https://osv.dev)" in capsys.readouterr().out
