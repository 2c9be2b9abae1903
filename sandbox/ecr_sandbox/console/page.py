"""One request for a page: who asks, the calls that it makes, and its answer."""

import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from botocore import xform_name
from botocore.exceptions import ClientError
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from ecr_sandbox import settings
from ecr_sandbox.http import addresses
from ecr_sandbox.http.middleware import Request

from . import client, rendering
from .commands import Commands, commands
from .navigation import NAVIGATION, REPOSITORY_PAGES, entry_of

CSRF_TOKEN = secrets.token_urlsafe(24)
KEPT_SECONDS = 10
MOST_COOKIE = 3500  # bytes; browsers keep 4096 of a cookie with its name
PREFIX = re.compile(r"(?:/[\w.~-]+)*")  # what jupyter-server-proxy puts before the path
REGION = re.compile(settings.REGION_NAME)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*",  # JupyterLab is another port of this machine
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_signer = URLSafeSerializer(secrets.token_bytes(32), salt="message")


class Sandbox(NamedTuple):
    """What the console gets of the sandbox besides its API."""

    key_of_user: client.KeyOf
    wait_for_change: Callable[[int, float], int]  # ``Store.wait_for_change``
    refusals: Callable[[str], Sequence[Any]]  # the last ones of an account: ``iam.refusals.Refusal``
    events: Callable[[str, str], Sequence[dict[str, Any]]]  # the last ones of an account and a Region
    now: Callable[[], float]  # the sandbox's clock, in Unix seconds


class Page:
    """A request for a page of the console, made as the user or role that the browser's cookie names."""

    def __init__(self, request: Request, sandbox: Sandbox):
        self.request = request
        self.sandbox = sandbox
        self.calls: list[Commands] = []
        self.error: dict[str, str] | None = None
        self.status = 200
        self.seen = sandbox.wait_for_change(-1, 0)  # the number of changes that the page can show
        arn = request.cookies.get(self.cookie("user"), "")
        self.user = arn if arn.startswith("arn:aws:iam::") else client.ADMINISTRATOR
        region = request.cookies.get(self.cookie("region"), "")
        self.region = region if REGION.fullmatch(region) else settings.REGION

    @property
    def is_post(self) -> bool:
        """Whether a form was sent."""
        return self.request.method == "POST"

    @property
    def account(self) -> str:
        """The account of the user."""
        return client.account_of(self.user)

    @cached_property
    def key(self) -> client.Key:
        """The user's key; raises ClientError, or ApiError for a user who does not exist any more."""
        return self.key_of(self.user)

    def key_of(self, arn: str) -> client.Key:
        """The key of the user or role *arn*; raises ClientError or ApiError."""
        return client.key_of(arn, self.sandbox.key_of_user)

    def client(self, service: str) -> Any:
        """The boto3 client of *service*, as the user."""
        region = "us-east-1" if service in ("iam", "ce", "ecr-public") else self.region
        return client.client(service, region, self.key)

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """The answer of an *operation* (``DescribeRepositories``); raises ClientError. The page shows the commands."""
        self.calls.append(commands(service, operation, parameters))
        return self.quiet_call(service, operation, **parameters)

    def quiet_call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """The same, without the commands: what the page needs besides its subject."""
        return self._operation(service, operation)(**parameters)

    def all(self, service: str, operation: str, key: str, /, **parameters: Any) -> list[Any]:
        """All of a list that an operation returns in parts; raises ClientError.

        A second look at the same list is fast: it is read again when anything in the sandbox has changed, and after
        KEPT_SECONDS, because a policy can depend on the time.
        """
        return self.first(service, operation, key, None, **parameters)[0]

    def first(
        self, service: str, operation: str, key: str, most: int | None, /, **parameters: Any
    ) -> tuple[list[Any], bool]:
        """The same for the first *most* of a list, and whether these are all."""
        self.calls.append(commands(service, operation, parameters))
        now = (self.sandbox.wait_for_change(-1, 0), time.monotonic() // KEPT_SECONDS)
        found, is_all = _listed(now, self.client(service), operation, key, most, json.dumps(parameters))
        return list(found), is_all

    def attempt(self, service: str, operation: str, /, **parameters: Any) -> bool:
        """Whether an operation succeeds; the page shows the error if it does not."""
        try:
            self.call(service, operation, **parameters)
        except ClientError as error:
            self.report(error)
            return False
        return True

    def optional(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """The answer of an operation, or nothing if what it asks for does not exist; raises other ClientErrors."""
        try:
            return self.call(service, operation, **parameters)
        except ClientError as error:
            if "NotFound" in error.response["Error"]["Code"] or "NoSuch" in error.response["Error"]["Code"]:
                return {}
            raise

    def report(self, error: ClientError) -> None:
        """Show *error* on the page, with the service's sentence."""
        self.error = {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        self.status = error.response["ResponseMetadata"]["HTTPStatusCode"]

    def local(self, example: str) -> str:
        """The text *example* with the ARNs of this account and Region in place of the documentation's."""
        return example.replace("us-east-1:123456789012", f"{self.region}:{self.account}")

    def url(self, path: str = "", **query: str | int | Sequence[str] | None) -> str:
        """The address of the console's page *path* (``/ecr/…``)."""
        given = {name: value for name, value in query.items() if value not in ("", None)}
        return f"{self.root}{quote(path, safe='/:')}" + (f"?{urlencode(given, doseq=True)}" if given else "")

    def here(self, **query: str | int | None) -> str:
        """The address of this page, with other values in its query."""
        kept = {name: value for name, value in self.request.args.items() if name not in query}
        return self.url(self.request.path.removeprefix("/console"), **kept, **query)

    @cached_property
    def root(self) -> str:
        """The path of the console, as the browser sees it."""
        prefix = self.request.headers.get("X-Forwarded-Prefix", "")
        return f"{prefix if PREFIX.fullmatch(prefix) else ''}/console"

    def cookie(self, name: str) -> str:
        """The name of a cookie: browsers do not keep those of two ports apart."""
        return f"console-{name}-{addresses.current.own_url().rpartition(':')[2]}"

    def render(self, template: str, **values: Any) -> Response:
        """The page made of *template*."""
        is_fragment = "HX-Request" in self.request.headers
        message = None if is_fragment else self._message()
        text = rendering.render(
            template,
            page=self,
            message=message,
            navigation=NAVIGATION,
            entry=entry_of(self.request.path.removeprefix("/console")),
            repository_pages=REPOSITORY_PAGES,
            csrf_token=CSRF_TOKEN,
            is_fragment=is_fragment,
            command=settings.from_environ().command,
            **values,
        )
        response = Response(text, self.status, HEADERS, content_type="text/html; charset=utf-8")
        if message:
            response.delete_cookie(self.cookie("message"), path=self.root)
        return response

    def redirect(self, path: str, text: str = "") -> Response:
        """Lead to the page at the address *path*, which shows *text* and the commands of this action."""
        # Relative: jupyter-server-proxy adds its prefix to an absolute path, which has it already.
        up = "../" * (self.request.path.count("/") - 1)
        target = path.removeprefix(self.root.removesuffix("/console"))
        response = Response(status=303, headers={**HEADERS, "Location": up + target.lstrip("/")})
        if text:
            self.set_cookie(response, "message", self._signed(text))
        return response

    def set_cookie(self, response: Response, name: str, value: str) -> None:
        """Let *response* set a cookie of the console, which no script can read."""
        response.set_cookie(self.cookie(name), value, path=self.root, httponly=True, samesite="Lax")

    def _signed(self, text: str) -> str:
        whole = _signer.dumps({"text": text, "calls": self.calls})
        return str(whole if len(whole) <= MOST_COOKIE else _signer.dumps({"text": text, "calls": []}))

    def _message(self) -> dict[str, Any] | None:
        try:
            found = _signer.loads(self.request.cookies.get(self.cookie("message"), ""))
        except BadSignature:
            return None
        return {"text": found["text"], "calls": [Commands(*each) for each in found["calls"]]}

    def _operation(self, service: str, operation: str) -> Callable[..., dict[str, Any]]:
        method: Callable[..., dict[str, Any]] = getattr(self.client(service), xform_name(operation))
        return method


@lru_cache(8)
def _listed(
    now: object, made: Any, operation: str, key: str, most: int | None, parameters: str
) -> tuple[list[Any], bool]:
    """The list as the user of the client *made* gets it; *now* changes when it must be read again."""
    paginator = made.get_paginator(xform_name(operation))
    size = most or (1000 if made.meta.service_model.signing_name == "ecr" else None)
    parts = paginator.paginate(**json.loads(parameters), PaginationConfig={"PageSize": size, "MaxItems": most})
    found = [each for part in parts for each in part.get(key, [])]
    return found, parts.resume_token is None
