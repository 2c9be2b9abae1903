"""The Docker Hub stand-in: a second registry on this machine, by Docker Hub's rules.

The methods here replace what Docker Hub offers on its web pages, or does not offer at all. What has an API on Docker
Hub is called in the notebook.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass

import ecr_sandbox
from helpers import settings

TIMEOUT = 10  # seconds; a hang limit


@dataclass(frozen=True)
class Account:
    """A Docker account: its name, an access token, and the headers that authenticate it at the web API."""

    username: str
    token: str
    headers: dict[str, str]


@dataclass(frozen=True)
class DockerHub:
    """The Docker Hub stand-in: *registry* is its address for ``docker``, *api* replaces ``hub.docker.com``."""

    registry: str
    api: str

    def __repr__(self) -> str:
        return f"<Docker Hub stand-in at {self.registry}>"

    def sign_up(self, username: str) -> Account:
        """Create the account again, with an access token that may push and pull, and print both."""
        self._delete(username)
        password = secrets.token_urlsafe(12)
        made = self._post("sandbox/accounts", {"username": username, "password": password})
        signed_in = self._post("auth/token", {"identifier": username, "secret": password})
        headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
        token = self._post("access-tokens", {"token_label": "laptop", "scopes": ["repo:write"]}, headers)["token"]
        print(f"{username}: plan {made['plan']}, new repositories {made['default_privacy']}, token {token[:9]}…")
        return Account(username, token, headers)

    def limit_pulls(self, anonymous: int) -> None:
        """Set how many images an address can pull without an account, and print it."""
        hours = self._limit({"anonymous": anonymous})["window"] // 3600
        print(f"pull limit without an account: {anonymous} in {hours} hours")

    def start_over(self, *usernames: str) -> None:
        """Delete these accounts with their repositories, and set the real pull limits; prints the same line always."""
        for username in usernames:
            self._delete(username)
        self._limit({})
        print(f"✔ deleted if present: {', '.join(usernames)} on Docker Hub")

    def _delete(self, username: str) -> None:
        import requests

        requests.delete(f"{self.api}/v2/sandbox/accounts/{username}", timeout=TIMEOUT).raise_for_status()

    def _limit(self, limit: dict[str, int]) -> dict:
        import requests

        answer = requests.put(f"{self.api}/v2/sandbox/pull-limit", json=limit, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: dict, headers: dict[str, str] | None = None) -> dict:
        import requests

        answer = requests.post(f"{self.api}/v2/{path}", json=body, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()


def start() -> DockerHub:
    """Start the stand-in with Docker Hub's own pull limits, and print its address.

    It sets ``$HUB`` (the registry, for ``docker``) and ``$HUB_API`` (in place of ``hub.docker.com``).
    """
    status = ecr_sandbox.start(settings.sandbox())
    if settings.target() == "aws":  # connect() did it for the sandbox
        with contextlib.suppress(ecr_sandbox.SandboxError):  # without an engine half of the lessons still work
            ecr_sandbox.make_reachable(ecr_sandbox.docker_client(), settings.sandbox(), status["ports"])
    names = ecr_sandbox.docker_hub_names(status)
    os.environ.update(names)
    hub = DockerHub(names["HUB"], names["HUB_API"])
    hub._limit({})
    print(f"✔ Docker Hub stand-in: {hub.registry}")
    return hub
