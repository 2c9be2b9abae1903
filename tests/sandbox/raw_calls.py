"""Raw signed calls of any AWS service in any of its protocols, also calls that an SDK refuses to send."""

import http.client
import json
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import RpcV2CBORParser

from helpers import settings
from tests.sandbox.conftest import PATIENCE

SESSION = botocore.session.Session()
FORMATS = {
    "query": "text/xml",
    "ec2": "text/xml",
    "rest-xml": "application/xml",
    "json": "application/x-amz-json",
    "rest-json": "application/json",
    "smithy-rpc-v2-cbor": "application/cbor",
}
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers (lower case), its body, and the protocol of the request (empty: any)."""

    status: int
    headers: dict[str, str]
    body: bytes
    protocol: str

    @property
    def error(self) -> tuple[str, str]:
        """The code and the message of an error in the request's protocol; raises if it is not one."""
        kind = self.headers["content-type"].partition(";")[0].removesuffix("-1.0").removesuffix("-1.1")
        assert kind in ([FORMATS[self.protocol]] if self.protocol else FORMATS.values()), (kind, self)
        if "xml" in kind:
            return _xml_error(self.body)
        if "cbor" in kind:
            parser = RpcV2CBORParser()
            found = parser.parse_data_item(parser.get_peekable_stream_from_bytes(self.body))
        else:
            found = json.loads(self.body)
        code = found.get("__type") or self.headers["x-amzn-errortype"]
        return code, found.get("message") or found.get("Message") or ""


def model(service: str) -> ServiceModel:
    """botocore's model of a *service* (botocore's name)."""
    return SESSION.get_service_model(service)


def protocols(service: str) -> list[str]:
    """The protocols that the service offers."""
    metadata = model(service).metadata
    return list(metadata.get("protocols") or [metadata["protocol"]])


def send(
    port: int,
    service: str,
    operation: str,
    parameters: dict[str, Any],
    protocol: str = "",
    **headers: str,
) -> Answer:
    """The answer to a call of *operation*, in *protocol* or the service's first one."""
    about, chosen = model(service), protocol or protocols(service)[0]
    method, path, body, own = encode(about.operation_model(operation), parameters, chosen)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send_raw(port, about.signing_name, method, path, body, {**own, **named}, chosen)


def send_raw(
    port: int, signing_name: str, method: str, path: str, body: bytes, headers: dict[str, str], protocol: str
) -> Answer:
    """The answer to a signed request."""
    request = AWSRequest(method, f"http://localhost:{port}{path}", headers, body)
    SigV4Auth(Credentials(settings.ACCESS_KEY, settings.SECRET_KEY), signing_name, settings.REGION).add_auth(request)
    return send_plain(port, method, path, dict(request.headers.items()), body, protocol)


def send_plain(
    port: int, method: str, path: str, headers: dict[str, Any], body: bytes = b"", protocol: str = ""
) -> Answer:
    """The answer to a request as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"Host": f"localhost:{port}", **headers})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, named, answer.read(), protocol)
    finally:
        connection.close()


def encode(operation: OperationModel, given: dict[str, Any], protocol: str) -> tuple[str, str, bytes, dict[str, str]]:
    """Method, path, body and headers of a call; *given* may have values of any JSON type."""
    service = operation.service_model
    if protocol in ("query", "ec2"):
        form = {"Action": operation.name, "Version": service.api_version, **dict(_flat("", given, protocol == "ec2"))}
        return "POST", "/", urlencode(form).encode(), {"Content-Type": FORM}
    if protocol == "json":
        target = f"{service.metadata['targetPrefix']}.{operation.name}"
        kind = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.1')}"
        return "POST", "/", json.dumps(given).encode(), {"X-Amz-Target": target, "Content-Type": kind}
    if protocol == "smithy-rpc-v2-cbor":
        path = f"/service/{service.metadata['targetPrefix']}/operation/{operation.name}"
        return "POST", path, cbor(given), {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    return _rest(operation, given)


def cbor(value: Any) -> bytes:
    """A JSON value in CBOR. Source: RFC 8949."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if value is None:
        return b"\xf6"
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, int):
        limited = max(-(2**63), min(value, 2**63))
        return _head(0, limited) if limited >= 0 else _head(1, -1 - limited)
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return _head(3, len(text)) + text
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(major: int, length: int) -> bytes:
    return bytes([major << 5 | 27]) + struct.pack(">Q", length)


def _flat(prefix: str, value: Any, ec2: bool) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        parts = [(name[:1].upper() + name[1:] if ec2 else name, each) for name, each in value.items()]
    elif isinstance(value, list):
        parts = [(str(n) if ec2 else f"member.{n}", each) for n, each in enumerate(value, 1)]
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return [(prefix, text.encode("utf-8", "surrogatepass").decode("latin-1"))]
    return [pair for name, each in parts for pair in _flat(f"{prefix}.{name}" if prefix else name, each, ec2)]


def _rest(operation: OperationModel, given: dict[str, Any]) -> tuple[str, str, bytes, dict[str, str]]:
    shape, path = operation.input_shape, operation.http["requestUri"]
    members = shape.members if shape else {}
    body, query, headers = dict[str, Any](), list[tuple[str, str]](), dict[str, str]()
    for name, value in given.items():
        binding = members[name].serialization if name in members else {}
        where, key = binding.get("location"), binding.get("name", name)
        text = _text(value)
        if where == "uri":
            path = path.replace(f"{{{key}}}", quote(text, safe="")).replace(f"{{{key}+}}", quote(text))
        elif where == "querystring":
            query.append((key, text))
        elif where == "header":
            headers[key] = quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~") or "x"
        else:
            body[key] = value
    mark = "&" if "?" in path else "?"
    path += f"{mark}{urlencode(query)}" if query else ""
    payload = shape.serialization.get("payload") if shape else None
    content = _text(given.get(payload)).encode() if payload else json.dumps(body).encode() if body else b""
    return operation.http["method"], path, content, {"Content-Type": "application/json", **headers}


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _xml_error(body: bytes) -> tuple[str, str]:
    found = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(body).iter()}
    return found["Code"], found["Message"]
