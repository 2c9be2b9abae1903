"""JupyterLab in a browser: all of notebook 00 runs, pictures and questions are shown, and the console opens from it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecr_sandbox import background
from helpers import settings
from tests.notebooks import clean_state
from tests.notebooks.test_jupyterlab import running
from tests.sandbox.conftest import until

NOTEBOOK = "notebooks/00_start_here.ipynb"
WAIT = 60_000  # milliseconds for what the lab shows; a limit for hangs
RUN = 240_000  # milliseconds for all cells
# What the lab itself logs, about files that it does not have.
NOT_OURS = ("favicon", "status of 404")
ALL_RAN = """() => {
    const prompts = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
    return prompts.length > 0 && prompts.every(each => /\\d/.test(each.textContent));
}"""
WIDTHS = "[...document.querySelectorAll('.jp-Notebook img')].map(each => [each.alt, each.naturalWidth])"
LINK = """url => document.body.insertAdjacentHTML("beforeend", `
    <a id="to-console" target="_blank" href="${url}">console</a><iframe id="console" src="${url}"></iframe>`)"""


@pytest.fixture
def page(chromium, own_sandbox, tmp_path) -> Iterator[Any]:
    """A page of the browser with the notebook open in a lab, on a copy: the lab saves what it shows."""
    clean_state.make()
    for name in ("notebooks", "sample_app"):
        shutil.copytree(settings.PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("my_app"))
    without_outputs(tmp_path / NOTEBOOK)
    with running(tmp_path, tmp_path / "jupyter") as (address, token):
        context = chromium.new_context(viewport={"width": 1400, "height": 1000})
        opened, problems = context.new_page(), []
        opened.set_default_timeout(WAIT)
        opened.on("console", lambda message: message.type == "error" and problems.append(message.text))
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.goto(f"{address}/lab/tree/{NOTEBOOK}?token={token}")
        yield opened
        context.close()
    assert [each for each in problems if not any(known in each for known in NOT_OURS)] == []


@pytest.mark.timeout(600)  # five seconds for the cells, and minutes where all processors are busy
def test_all_of_notebook_00_runs_and_is_shown(page, tmp_path: Path):
    page.locator(".jp-Notebook .jp-MarkdownCell h1", has_text="Start here").wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_RAN, timeout=RUN)
    page.keyboard.press("Control+s")
    saved = until(lambda: executed(tmp_path / NOTEBOOK))
    assert [each for each in saved if each["output_type"] == "error"] == []
    assert any("v1: digest: sha256:" in "".join(each.get("text", "")) for each in saved)
    assert [alt for alt, width in page.evaluate(WIDTHS) if not (alt and width)] == []
    assert len(page.evaluate(WIDTHS)) >= 2
    question = page.locator(".jp-Notebook details", has_text="How does docker push know where")
    question.locator("summary").click()
    assert question.evaluate("each => each.open")


def test_the_lab_is_dark_where_the_browser_is(page):
    """As the pictures are: they ask the browser, not the lab."""
    page.locator('body[data-jp-theme-light="true"] .jp-MarkdownCell h1', has_text="Start here").wait_for()
    page.emulate_media(color_scheme="dark")
    page.locator('body[data-jp-theme-light="false"] .jp-MarkdownCell h1', has_text="Start here").wait_for()


def test_the_console_opens_from_the_lab(page):
    """As a link, and in a frame: the lab is another port of this machine."""
    page.locator(".jp-Notebook .jp-MarkdownCell h1", has_text="Start here").wait_for()
    status = background.find(settings.sandbox())
    assert status
    page.evaluate(LINK, f"{status['endpoint']}/console")
    page.frame_locator("#console").get_by_role("heading", name="Private repositories").wait_for()
    with page.expect_popup() as opened:
        page.locator("#to-console").dispatch_event("click")
    opened.value.get_by_role("heading", name="Private repositories").wait_for()
    opened.value.get_by_role("link", name="Create repository").click()
    opened.value.get_by_label("Repository name").wait_for()


def executed(notebook: Path) -> list[dict[str, Any]]:
    """The outputs in the saved *notebook*; none until all its cells are saved with a number."""
    try:
        cells = code_cells(json.loads(notebook.read_text()))
    except ValueError:  # the lab is writing it
        return []
    outputs = [output for cell in cells for output in cell["outputs"]]
    return outputs if all(cell["execution_count"] for cell in cells) else []


def without_outputs(notebook: Path) -> None:
    """Remove what the cells printed when they were recorded."""
    content = json.loads(notebook.read_text())
    for cell in code_cells(content):
        cell |= {"outputs": [], "execution_count": None}
    notebook.write_text(json.dumps(content))


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
