"""A web app with one page: which container image is this?"""

import os

from flask import Flask, render_template

GREETING = "Hello from a container!"

app = Flask(__name__)


def image() -> dict[str, str]:
    """What this app knows about the image it runs as."""
    return {
        # Written into the image by `docker build --build-arg APP_VERSION=…`.
        "version": os.environ.get("APP_VERSION") or "unknown",
        # An image cannot contain its own digest: the one who runs it sets this variable.
        "digest": os.environ.get("IMAGE_DIGEST") or "unknown",
    }


@app.get("/")
def page():
    """The page for people."""
    return render_template("page.html", greeting=GREETING, image=image())


@app.get("/version")
def version():
    """The same facts for programs."""
    return image()


@app.get("/healthz")
def healthz():
    """Says that the app is up, for health checks."""
    return {"status": "ok"}
