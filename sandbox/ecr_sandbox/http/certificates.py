"""TLS for AWS's host names, with certificates of a throw-away CA that only this sandbox uses.

The CA is kept in the state folder, so that clients that trust it need no change after a restart. It is not for a trust
store of the system: clients get the file ``ca.pem`` by AWS_CA_BUNDLE, or Docker by ``/etc/docker/certs.d``.
"""

import socket
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any

import trustme

from ecr_sandbox.state.atomic_files import write_whole

from .aws_names import place_of

CA_FILE, KEY_FILE = "ca.pem", "ca.key"
ORGANIZATION = "ecr-sandbox (throw-away)"


def authority(folder: Path) -> trustme.CA:
    """The CA of the state *folder*, made if it has none; raises ValueError for files that are damaged."""
    certificate, key = folder / CA_FILE, folder / KEY_FILE
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name=ORGANIZATION)
    write_whole(key, made.private_key_pem.bytes().decode(), mode=0o600)
    write_whole(certificate, made.cert_pem.bytes().decode())
    return made


class Tls:
    """cheroot's "SSL adapter": each connection gets the certificate of the name that its client asks for.

    *address* is the name in the certificate of a client that asks for none. The handshake is part of the first read,
    so that a client which does not begin it holds up no other.
    """

    def __init__(self, ca: trustme.CA, address: str):
        self._ca = ca
        self._certificate_of = lru_cache(maxsize=256)(self._issue)
        self.context = self._certificate_of(address)
        self.context.sni_callback = self._choose

    def bind(self, listening: socket.socket) -> socket.socket:
        return listening

    def wrap(self, client: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        return self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), {}

    def makefile(self, *_: Any) -> None:
        """``server._Connection`` has streams of its own."""

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name and place_of(name):
            connection.context = self._certificate_of(name.lower())
        return None

    def _issue(self, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(name).configure_cert(context)
        return context
