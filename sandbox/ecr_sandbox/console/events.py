"""The events of ECR, as EventBridge gets them, since the sandbox was started."""

from werkzeug.wrappers import Response

from .page import Page


def index(page: Page) -> Response:
    """The last events of the account and the Region, the newest first."""
    return page.render("events.html", events=page.sandbox.events(page.account, page.region))
