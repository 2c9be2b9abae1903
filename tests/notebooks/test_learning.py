"""Each answer is explained, each price has its year, and each step is shown in the three ways."""

import re

import pytest

from tests.notebooks import course
from tests.notebooks.known_findings import expected

WHICH = "<b>1.</b> Which?<br>&emsp;<b>(a)</b> this<br>&emsp;<b>(b)</b> that"
every_notebook = pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
QUESTION = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
OFFERED = re.compile(r"<br>&emsp;<b>\(([a-e])\)</b> ")
PRICE, YEAR = re.compile(r"\$(?!0\.00)\d"), re.compile(r"\b20[12]\d\b")


def below(path, heading: str) -> str:
    """The text below a heading of a notebook."""
    return "\n".join(text for section, _, text in course.sections(course.read(path)) if section == heading)


def bullets(text: str) -> list[str]:
    """The items of the lists in *text*."""
    return re.findall(r"^- (.+(?:\n  .+)*)", text, re.MULTILINE)


def questions(path) -> list[tuple[str, list[str]]]:
    """Each question of *Check yourself* with the explanations of its answers."""
    return [(question, bullets(text)) for question, text in QUESTION.findall(below(path, "Check yourself"))]


def explanation(answer: str) -> str:
    """The explanation of an answer, without its ``(a)``."""
    return re.sub(r"^\([a-e]\)", "", answer)


def faults(question: str, answers: list[str]) -> list[str]:
    """What is missing from a question."""
    found = []
    offered = OFFERED.findall(question)
    if len(offered) < 2 or offered != list("abcde")[: len(offered)]:
        found.append("there is nothing to choose from before it is unfolded")
    if [answer[:4] for answer in answers] != [f"({label}) " for label in offered]:
        found.append("not every answer is explained")
    right = [explanation(answer).startswith(" **Right") for answer in answers]
    if not any(right):
        found.append("no answer is right")
    if all(right):
        found.append("no answer is wrong")
    for answer in answers:
        if len(re.sub(r"[*.:]", " ", explanation(answer)).split()) < 3:
            found.append(f"“{answer}” does not say why")
    return found


def test_every_answer_is_explained():
    found = set()
    for path in course.PATHS:
        for number, (question, answers) in enumerate(questions(path), 1):
            found |= {f"{path.name[:2]} question {number}: {fault}" for fault in faults(question, answers)}
    expected("questions", found)


def test_a_price_has_its_year_in_the_same_section():
    """Exercises and questions are exempt: their numbers are invented."""
    text_of: dict[str, str] = {}
    for path in course.PATHS:
        for section, cell, text in course.sections(course.read(path)):
            read = "\n".join(course.texts(cell)) if cell.cell_type == "code" else course.without_fences(text)
            where = f"{path.name[:2]} {section}"
            text_of[where] = f"{text_of.get(where, '')}\n{read}"
    undated = {where for where, text in text_of.items() if PRICE.search(text) and not YEAR.search(text)}
    expected("undated", {where for where in undated if not re.match(r"\d\d (Exercise|Check yourself)", where)})


@pytest.mark.parametrize("path", [path for path in course.PATHS if "00" < path.name[:2] < "15"], ids=lambda p: p.stem)
def test_a_step_is_shown_in_the_console_the_cli_and_python(path):
    written = course.prose(course.read(path))
    assert [tool for tool in ("Console", "CLI", "Python") if not re.search(rf"\*\*{tool}\b", written, re.I)] == []


@pytest.mark.parametrize(
    ("question", "answers", "fault"),
    [
        (WHICH, ["(a) No. It is not there.", "(b) **Right.** It was made there."], ""),
        (WHICH, ["(a) No. It is not there."], "not every answer is explained"),
        (
            "Which?",
            ["(a) No: it is not there.", "(b) **Right.** It was made there."],
            "there is nothing to choose from",
        ),
        (WHICH, ["(a) **Right.**", "(b) No. It is not there."], "does not say why"),
        (WHICH, ["(a) No: it is not there.", "(b) Neither is this."], "no answer is right"),
        (WHICH, ["(a) **Right:** it is there.", "(b) **Right,** there too."], "no answer is wrong"),
    ],
)
def test_incomplete_questions_are_found(question, answers, fault):
    assert fault in " ".join(faults(question, answers))
    assert bool(fault) == bool(faults(question, answers))
