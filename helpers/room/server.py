"""The room's HTTP server: the teacher's page, and the three paths to which learners send.

Every address in a page is relative, so the page works behind a proxy that adds a prefix to its path.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request

from . import message, views
from .learners import Learners, Refused
from .settings import Secrets

MAX_BODY = 1024  # bytes
MAX_KEY = 100  # characters
COOKIE = "room-key"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Server:
    """The application of one room. *changed* says whether a learner sent something since it was last set to False."""

    def __init__(self, learners: Learners, secrets: Secrets, now: Callable[[], float] = time.time):
        self.learners, self.secrets, self.now = learners, secrets, now
        self.lock = Lock()
        self.changed = False

    def application(self, base_path: str = "/") -> Wsgi:
        """The WSGI application; a proxy may keep *base_path* in the path of a request, or remove it."""
        app = Flask(__name__)
        app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
        app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
        app.add_url_rule("/", view_func=self.page)
        app.add_url_rule("/learners", view_func=self.table)
        app.add_url_rule("/remove", view_func=self.remove, methods=["POST"])
        for view in (self.join, self.progress, self.leave):
            app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["POST"])
        app.register_error_handler(Refused, lambda error: ({"error": str(error)}, error.status))
        app.after_request(_with_headers)
        return _below(base_path.rstrip("/"), app)

    # The teacher ---

    def page(self) -> Response | str | tuple[str, int]:
        """The teacher's page; the key in its address becomes a cookie. A learner's address shows how to join."""
        if _same(request.args.get("key", ""), self.secrets.key):
            answer = make_response(redirect("./"))
            # Without a path, a browser uses that of the page, with the prefix of a proxy.
            answer.set_cookie(COOKIE, self.secrets.key, path=None, httponly=True, samesite="Lax")
            return answer
        if not self._is_teacher():
            return render_template("join.html"), 200 if "code" in request.args else 403
        return render_template("page.html", code=self.secrets.code, **self._shown())

    def table(self) -> str | tuple[str, int]:
        """The part of the page that changes."""
        return render_template("learners.html", **self._shown()) if self._is_teacher() else ("", 403)

    def remove(self) -> Response | tuple[str, int]:
        """Remove a learner. The form has the key, because a cookie goes along with forms of other pages."""
        if not _same(request.form.get("key", ""), self.secrets.key):
            return "", 403
        with self.lock:
            self.learners.remove(request.form.get("name", ""))
            self.changed = True
        return make_response(redirect("./", 303))

    def _is_teacher(self) -> bool:
        return _same(request.cookies.get(COOKIE, ""), self.secrets.key)

    def _shown(self) -> dict[str, Any]:
        with self.lock:
            now = self.now()
            return {
                "summary": views.summary(self.learners),
                "waiting": views.waiting(self.learners, now),
                "learners": views.rows(self.learners, now),
                "counts": views.counts(self.learners),
                "key": self.secrets.key,
            }

    # The learners ---

    def join(self) -> tuple[str, int]:
        """Add a learner who knows the room's code."""
        if not _same(request.args.get("code", ""), self.secrets.code):
            raise Refused(403, "The code in the address is not that of this room.")
        key, name = _key(), _name(_body())
        with self.lock:
            self.learners.join(name, key, self.now())
            self.changed = True
        return "", 204

    def progress(self) -> tuple[str, int]:
        """Keep what a learner did."""
        key, body = _key(), _body()
        try:
            received = message.read(body)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        with self.lock:
            self.learners.note(received, key, self.now())
            self.changed = True
        return "", 204

    def leave(self) -> tuple[str, int]:
        """Forget a learner."""
        key, name = _key(), _name(_body())
        with self.lock:
            self.learners.remove(self.learners.of(name, key).name)
            self.changed = True
        return "", 204


def _key() -> str:
    """The learner's key, in the header Authorization."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not 16 <= len(key) <= MAX_KEY:
        raise Refused(401, "The key is missing.")
    return key


def _body() -> Any:
    """The JSON in the body."""
    try:
        return json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None


def _name(body: Any) -> str:
    if not isinstance(body, dict) or set(body) != {"name"} or not isinstance(body["name"], str):
        raise Refused(400, "The body has one field: name.")
    return body["name"]


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _below(base: str, app: Flask) -> Wsgi:
    """The application, which removes *base* from the paths that begin with it."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if base and path == base:
            start_response("308 Permanent Redirect", [("Location", f"{base.rpartition('/')[2]}/")])
            return []
        if base and path.startswith(f"{base}/"):
            environ["PATH_INFO"] = path.removeprefix(base)
        return app(environ, start_response)

    return application


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
