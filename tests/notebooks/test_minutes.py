"""The minutes that a notebook states are the measured ones."""

import nbformat
import pytest

from tests.notebooks import course, minutes

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_the_stated_minutes_match_the_measured_time(path):
    assert minutes.is_kept(course.minutes(course.read(path)), minutes.measured(path).minutes)


def test_the_core_path_fits_into_its_minutes():
    core = [path for path in course.PATHS if path.name[:2] in minutes.CORE_PATH]
    assert sum(course.minutes(course.read(path)) for path in core) <= minutes.CORE_MINUTES


def test_no_notebook_ran_longer_than_fifteen_seconds():
    slow = {number: seconds for number, seconds in minutes.seconds().items() if seconds > minutes.UNKNOWN}
    assert slow == {}


def measure(*cells) -> minutes.Measure:
    return minutes.measure(nbformat.v4.new_notebook(cells=list(cells)), 30)


def test_minutes_are_prose_code_exercises_and_run_time():
    assert minutes.Measure(prose=400, code=100, exercises=2, seconds=30).minutes == 2 + 1 + 8 + 0.5


def test_links_pictures_and_folded_text_are_no_prose():
    text = "two `words` ![not read](a.svg) <b>[ends](https://a.b/c)</b> ·"
    folded = "\n\n<details><summary>why</summary>folded</details>"
    assert measure(MARKDOWN(text + folded)) == (4, 0, 0, 30)


def test_code_and_each_output_are_counted_once():
    table = {"text/html": "<b>two words</b>", "text/plain": "two words"}
    picture = {"image/png": "…", "text/plain": "<Figure size 1x1>"}
    outputs = [
        nbformat.v4.new_output("stream", text="one ✔ two"),
        *(nbformat.v4.new_output("display_data", data=data) for data in (table, picture)),
    ]
    assert measure(CODE("x = 1", outputs=outputs), MARKDOWN("```bash\naws s3\n```")).code == 2 + 4 + 2


def test_an_exercise_covers_everything_up_to_the_next_heading():
    exercise = [MARKDOWN("## Exercises\n\n### Exercise 04.1 · Try\n\nDo it."), CODE("check()")]
    solution = MARKDOWN("folded", metadata={"tags": ["solution"]})
    assert measure(*exercise, solution, MARKDOWN("## Next\n\nGo on.")) == (4, 0, 1, 30)


def test_an_exercise_of_the_capstone_takes_three_times_as_long():
    exercises = [MARKDOWN(f"### Exercise {number} · Try\n\nDo it.") for number in ("14.1", "15.1")]
    assert measure(*exercises).exercises == 1 + 3


def test_going_deeper_is_not_counted():
    assert measure(MARKDOWN("## Going deeper\n\nOptional."), CODE("x"), MARKDOWN("## Next")) == (1, 0, 0, 30)


@pytest.mark.parametrize(
    ("stated", "measured", "kept"),
    [(13, 13.0, True), (13, 12.1, True), (13, 13.9, True), (13, 11.1, True), (13, 10.9, False), (13, 14.1, False)],
)
def test_the_stated_minutes_tolerate_one_minute(stated, measured, kept):
    assert minutes.is_kept(stated, measured) == kept
