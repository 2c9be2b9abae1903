"""The cost of the whole course is the sum of its parts, and the documents and notebooks say the same."""

import re

import pytest

from ecr_sandbox import prices
from helpers import course as notebooks
from helpers import settings
from helpers.costs import course

README = (settings.PROJECT / "README.md").read_text()


def first_cell(number: str) -> str:
    import json

    [path] = (settings.PROJECT / "notebooks").glob(f"{number}_*.ipynb")
    return "".join(json.loads(path.read_text())["cells"][0]["source"])


def test_each_use_is_priced_by_the_price_data():
    uses = course.uses()
    assert uses["storage"].usd == 0.2 * prices.usd("storage")
    assert uses["cost_explorer"].usd == 3 * course.usd("cost_explorer")
    assert uses["fargate"].usd == pytest.approx(16 * 2 / 60 * (0.5 * 0.04048 + 1 * 0.004445 + 0.005))
    assert uses["internet"].usd == 0
    assert course.total() == pytest.approx(sum(float(f"{use.usd:.2f}") for use in uses.values()))


def test_the_notebook_asks_cost_explorer_as_often_as_the_data_says():
    cells = notebooks.notebook("12").cells
    calls = sum(len(re.findall(r"^show_month\(", cell.source, re.MULTILINE)) for cell in cells)
    assert course.uses()["cost_explorer"].what.startswith(f"about {calls} questions")


def test_the_readme_and_the_notebooks_say_what_the_data_says():
    assert f"${course.total():.2f}" in README
    assert f"${course.uses()['cost_explorer'].usd:.2f}" in first_cell("12")
    assert f"${course.uses()['fargate'].usd:.2f}" in first_cell("13")
    assert f"${course.uses()['capstone'].usd:.2f}" in first_cell("15")


def test_each_price_has_a_date_and_a_source():
    for price in notebooks.data(course.FILE)["prices"]:
        assert price["as_of"][:2] == "20"
        assert price["sources"]
        assert isinstance(price["verified"], bool)
