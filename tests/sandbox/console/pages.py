"""A browser without a screen: it asks the console for pages and sends their forms over HTTP."""

import html
import re
from typing import Any

import requests


class Console:
    """One browser's session with the console of a sandbox; *headers* go with every request."""

    def __init__(self, sandbox, **headers: str):
        self.url = f"{sandbox.url}/console"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def get(self, path: str, status: int = 200, **query: Any) -> str:
        """The page, which must have this *status*."""
        answer = self.session.get(self.url + path, params=query)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, status: int = 200, **form: Any) -> str:
        """The page that follows a form with this page's token; of a path that ends in ``/check``, the part."""
        headers = {"HX-Request": "true"} if path.endswith("/check") else {}
        data = {"csrf_token": self._token(), **form}
        answer = self.session.post(self.url + path, data=data, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    def switch(self, user: str, region: str = "us-east-1") -> None:
        """Act as the user or role with this ARN."""
        data = {"csrf_token": self._token(), "user": user, "region": region}
        assert self.session.post(f"{self.url}/switch-user", data=data, allow_redirects=False).status_code == 303

    def _token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/switch-user"))
        assert found
        return found[1]


def text(page: str) -> str:
    """What a reader of *page* sees, without its tags, and with one space in place of several."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
