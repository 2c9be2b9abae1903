"""The Markdown of the documents and of the notebooks' cells passes a linter, but for what is done here on purpose."""

import pytest
from pymarkdown.api import PyMarkdownApi

from tests.docs import written

ON_PURPOSE = {
    "MD013",  # lines are wrapped where the sentence allows it; rows of tables cannot be
    "MD024",  # a changelog repeats its headings
    "MD032",  # a list follows its title in bold without a blank line
    "MD036",  # … which is no heading, so that the table of contents stays short
}
TEXTS = list(written.texts())
HTML = "details,summary,code,b,i,br,!--"  # folded text works everywhere; inside it Markdown's own marks do not


def linter() -> PyMarkdownApi:
    api = PyMarkdownApi().set_string_property("plugins.md033.allowed_elements", HTML)
    for rule in ON_PURPOSE:
        api = api.disable_rule_by_identifier(rule)
    return api


def faults(markdown: str) -> list[str]:
    """What the linter says, each with the line."""
    lines = markdown.splitlines()
    return [
        f"{found.rule_id} {found.rule_description} {found.extra_error_information}: {lines[found.line_number - 1][:80]}"
        for found in linter().scan_string(markdown).scan_failures
    ]


@pytest.mark.parametrize(("name", "markdown"), TEXTS, ids=[name for name, _ in TEXTS])
def test_the_markdown_passes_the_linter(name, markdown):
    assert faults(markdown) == []


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
