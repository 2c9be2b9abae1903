"""What cannot be undone is asked for in a dialog, in which the user enters a word."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from werkzeug.wrappers import Response

from . import words
from .commands import commands
from .page import Page

Call = tuple[str, str, dict[str, Any]]  # service, operation, parameters


class Question(NamedTuple):
    """The dialog: *fields* are sent with its form, *back* is the path of the page below it.

    Without *word* the button is enough.
    """

    title: str
    sentence: str
    calls: Sequence[Call]
    back: str
    fields: Mapping[str, Sequence[str]] = {}
    word: str = words.CONFIRMATION
    button: str = "Delete"


def answer(page: Page, question: Question, done: str, then: str = "") -> Response:
    """Ask, or make the calls and say what was *done*, on the page with the path *then* or the one below."""
    if is_given(page, question.word) and all(page.attempt(*call[:2], **call[2]) for call in question.calls):
        return page.redirect(page.url(then or question.back), done)
    return ask(page, question)


def is_given(page: Page, word: str = words.CONFIRMATION) -> bool:
    """Whether the form was sent with *word*; if it was sent without, the page shows the error."""
    if page.is_post and page.request.form.get("confirmation", "") != word:
        page.status, page.error = 400, {"code": "Not deleted", "message": f"To confirm, enter {word}."}
    return page.is_post and page.error is None


def ask(page: Page, question: Question) -> Response:
    """The dialog. Without calls there is nothing to confirm: it shows the page's error."""
    action = page.url(page.request.path.removeprefix("/console"))
    same = [commands(*call) for call in question.calls]
    return page.render("confirm.html", question=question, calls=same, action=action, back_url=page.url(question.back))
