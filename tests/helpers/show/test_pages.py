"""The page of an app is shown once it answers."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from helpers import show
from helpers.errors import LabError


@pytest.fixture
def app():
    """Serves one page; returns ``(address, answer)``, where ``answer[path]`` is the status and the page."""
    answer = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, page = answer[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answer
        server.shutdown()


def test_the_heading_of_the_page_is_printed(app, capsys):
    address, answer = app
    answer["/"] = 200, "<body>\n<h1>Tea &amp; cakes</h1></body>"
    show.page(f"{address}/")
    assert capsys.readouterr().out == f"{address}/ shows: Tea & cakes\n"


def test_a_page_without_a_heading_shows_its_status(app, capsys):
    address, answer = app
    answer["/none"] = 404, "not here"
    show.page(f"{address}/none")
    assert capsys.readouterr().out == f"{address}/none shows: status 404\n"


def test_an_app_that_does_not_answer_raises():
    with pytest.raises(LabError, match="does not answer"):
        show.page("http://127.0.0.1:1", seconds=0)
