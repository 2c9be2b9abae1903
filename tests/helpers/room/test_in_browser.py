"""The teacher's page in a real browser, while learners work."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpers.exercises import check, checks, progress
from tests.helpers.room.conftest import KEY, KIM, message

WAIT = 15_000  # milliseconds for what the page shows later; a limit for hangs


@pytest.fixture
def open_page(chromium, room) -> Iterator[Callable[..., Any]]:
    """Open the teacher's page in a browser of its own; it may log nothing, and ask nothing of another machine."""
    contexts, problems = [], []

    def opened(**options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith(room.url) or problems.append(request.url))
        page.goto(f"{room.url}?key={KEY}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def result(monkeypatch) -> dict[str, bool]:
    """Whether each exercise is done: the checks look here and not at a sandbox."""
    done: dict[str, bool] = {}
    monkeypatch.setattr(checks, "verdict", lambda number, answer: (done.get(number, False), number))
    return done


def show(page, table: str, *cells: str) -> None:
    """Wait until the table under this heading has a row with these cells."""
    row = page.get_by_role("region", name=table).get_by_role("row")
    row.filter(has_text=re.compile(r"^\s*" + r"\s*".join(map(re.escape, cells)))).wait_for()


def test_three_learners_and_one_who_fails_a_check_three_times(open_page, room, learner, result):
    page = open_page()
    page.get_by_text("No learner has joined yet.").wait_for()
    page.evaluate("document.body.dataset.loaded = 'once'")
    for name in ("Ann", "Bo", "Cy"):
        learner(name)
        progress.begin("08")
    page.get_by_text("3 learners, none waiting at a check.").wait_for()
    learner("Bo")
    for _ in range(3):
        check("08.1")
    page.get_by_text("3 learners, 1 waiting at a check.").wait_for()
    show(page, "Waiting at a check", "Bo", "08.1", "08 · Push the image", "now", "3")
    learner("Ann")
    result["08.1"] = True
    check("08.1")
    show(page, "Notebooks and exercises", "Exercise 08.1", "1", "2", "1", "4")
    show(page, "Learners", "Ann", "08 · Push the image", "1", "now")
    room.time[0] += 180
    show(page, "Waiting at a check", "Bo", "08.1", "08 · Push the image", "3 min", "3")
    learner("Bo")
    check("08.1")
    page.get_by_text("3 learners, none waiting at a check.").wait_for()
    assert page.evaluate("document.body.dataset.loaded") == "once"


def test_who_did_not_join_is_not_on_the_page(open_page, room, learner, result):
    page = open_page()
    progress.begin("08")
    check("08.1")
    learner("Ann")
    page.get_by_text("1 learner, none waiting at a check.").wait_for()
    assert list(room.learners) == ["Ann"]


def test_a_learner_is_removed_with_the_keyboard_and_the_focus_survives_a_change(open_page, room):
    room.join("Kim")
    page = open_page()
    page.get_by_role("button", name="Remove Kim").focus()
    room.join("Lee", "l" * 20)
    page.get_by_text("2 learners").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("1 learner, none").wait_for()
    assert list(room.learners) == ["Lee"]


def test_names_with_markup_run_nothing(open_page, room):
    page = open_page()
    for number, name in enumerate(("<script>document.title=1", '<img src=x onerror="a()">', "'\"><b>{{ 7*7 }}")):
        room.join(name, f"{KIM}{number}")
        assert room.send("/progress", message(name), f"{KIM}{number}") == 204
    page.get_by_text("3 learners").wait_for()
    page.get_by_role("rowheader", name="{{ 7*7 }}").first.wait_for()
    assert page.title() == "Room | Learn Amazon ECR"
    assert page.locator("main img, main b, main script").count() == 0


def test_the_page_says_when_the_room_does_not_answer(chromium, room):
    context = chromium.new_context()  # the browser logs the failed requests
    page = context.new_page()
    page.goto(f"{room.url}?key={KEY}")
    page.route("**/learners", lambda route: route.abort())
    page.get_by_text("The room does not answer.").wait_for(timeout=WAIT)
    page.unroute("**/learners")
    page.get_by_text("The room does not answer.").wait_for(state="detached", timeout=WAIT)
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 360)])
def test_the_page_is_accessible_and_fits(open_page, room, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    for number, name in enumerate(("Kim", "W" * 30, "Lee")):
        room.join(name, f"{KIM}{number}")
        room.send("/progress", message(name), f"{KIM}{number}")
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.get_by_text("How a learner joins").click()
    for _ in ("the teacher's page", "that of learners"):
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
        found = Axe().run(page, options=rules).response["violations"]
        assert [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(room.address)
