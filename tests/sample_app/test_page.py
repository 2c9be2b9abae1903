"""The sample app shows its version and digest, as a page and as JSON."""

import re

import pytest

from helpers import settings

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture
def client(monkeypatch):
    monkeypatch.syspath_prepend(settings.PROJECT / "sample_app")
    import app

    return app.app.test_client()


@pytest.fixture
def variables(monkeypatch):
    monkeypatch.setenv("APP_VERSION", "1.2.3")
    monkeypatch.setenv("IMAGE_DIGEST", DIGEST)


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.delenv("APP_VERSION", raising=False)
    monkeypatch.setenv("IMAGE_DIGEST", "")  # what `--env IMAGE_DIGEST=$NOT_SET` gives


def shown(page: str) -> dict[str, str]:
    return dict(re.findall(r'<dd id="(\w+)">(.*?)</dd>', page))


def test_the_page_shows_version_and_digest(client, variables):
    page = client.get("/").get_data(as_text=True)
    assert shown(page) == {"version": "1.2.3", "digest": DIGEST}
    assert "--env IMAGE_DIGEST" not in page


def test_without_a_digest_the_page_shows_how_to_set_it(client, unset):
    page = client.get("/").get_data(as_text=True)
    assert shown(page) == {"version": "unknown", "digest": "unknown"}
    assert "docker run --publish 8080:8080 --env IMAGE_DIGEST=sha256:… IMAGE" in page


def test_version_is_json(client, variables):
    answer = client.get("/version")
    assert answer.mimetype == "application/json"
    assert answer.get_json() == {"version": "1.2.3", "digest": DIGEST}


def test_healthz(client):
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_environment_variables_are_escaped(client, monkeypatch):
    monkeypatch.setenv("IMAGE_DIGEST", "<script>alert(1)</script>")
    assert "<script>" not in client.get("/").get_data(as_text=True)


def test_the_page_is_accessible_and_loads_nothing(client, variables):
    page = client.get("/").get_data(as_text=True)
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert '<meta name="viewport"' in page
    assert [len(re.findall(f"<{part}[ >]", page)) for part in ("title", "main", "h1")] == [1, 1, 1]
    assert not re.search(r"<script|<img|https?://|@import", page)


def _luminance(color: str) -> float:
    digits = color if len(color) == 6 else "".join(2 * digit for digit in color)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft"])
@pytest.mark.parametrize("paper", ["card", "page"])
def test_text_has_enough_contrast(client, theme, ink, paper):
    page = client.get("/").get_data(as_text=True)
    colors = dict(re.findall(r"--(\w+): #(\w+)", re.findall(r":root \{(.*?)\}", page)[theme]))
    dark, light = sorted((_luminance(colors[ink]), _luminance(colors[paper])))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
