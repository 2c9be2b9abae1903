"""The Markdown of the documents and notebooks passes a linter, except for the rules in ON_PURPOSE."""

import pytest
from pymarkdown.api import PyMarkdownApi

from tests.docs import written

ON_PURPOSE = {
    "MD013",  # table rows cannot be wrapped
    "MD024",  # a changelog repeats its headings
    "MD032",  # a list follows its bold title without a blank line
    "MD036",  # bold titles are not headings, so that the table of contents stays short
    "MD051",  # links within a notebook keep the capitals of a heading, as JupyterLab and GitHub do there
}
TEXTS = list(written.texts())
OF_A_NOTEBOOK = {"MD051"}  # JupyterLab's anchors are not GitHub's; test_hygiene.py checks them
HTML = "details,summary,code,b,i,br,!--"  # folded text works everywhere, but Markdown inside it does not


def linter() -> PyMarkdownApi:
    api = PyMarkdownApi().set_string_property("plugins.md033.allowed_elements", HTML)
    for rule in ON_PURPOSE:
        api = api.disable_rule_by_identifier(rule)
    return api


def faults(markdown: str) -> list[str]:
    """The messages of the linter, each with its line."""
    lines = markdown.splitlines()
    return [
        f"{found.rule_id} {found.rule_description} {found.extra_error_information}: {lines[found.line_number - 1][:80]}"
        for found in linter().scan_string(markdown).scan_failures
    ]


@pytest.mark.parametrize(("name", "markdown"), TEXTS, ids=[name for name, _ in TEXTS])
def test_the_markdown_passes_the_linter(name, markdown):
    ignored = OF_A_NOTEBOOK if name.endswith(".ipynb") else set()
    assert [fault for fault in faults(markdown) if fault[:5] not in ignored] == []


@pytest.mark.parametrize(
    ("markdown", "rule"),
    [
        ("# One\n\n### Three\n", "MD001"),
        ("# One\n\nTwo\n\n\n\nThree\n", "MD012"),
        ("# One\n\n<script>x</script>\n", "MD033"),
        ("# One\n\n* star\n\nand\n\n- dash\n", "MD004"),
        ("# One\n\nTwo", "MD047"),
    ],
)
def test_markdown_errors_are_found(markdown, rule):
    assert [fault[:5] for fault in faults(markdown)] == [rule]
