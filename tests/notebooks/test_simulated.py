"""Each simulated service is named as simulated where a notebook first uses it."""

import math
import re

import pytest

from tests.notebooks import course
from tests.notebooks.known_findings import expected

WORD = re.compile(r"\b(simulat\w+|stand-ins?|plays? (it|them)|sandbox's own)\b")
SIMULATED = {
    "Docker Hub": r"\bdocker_hub\(",
    "ECR Public": r"\becr-public\b",
    "IAM": r"\baws iam\b|client\(\"iam\"\)",
    "the second account": r"\bsecond_account\(",
    "scans": r"scan[-_]findings|start[-_]image[-_]scan",
    "lifecycle rules": r"lifecycle[-_]policy",
    "ECS": r"\baws ecs\b|client\(\"ecs\"\)",
    "Lambda": r"\baws lambda\b|client\(\"lambda\"\)",
    "the bill": r"\baws ce\b|client\(\"ce\"\)",
}


def unannounced(notebook) -> list[str]:
    """The services that a notebook uses without saying, before or right after, that they are simulated."""
    first: dict[str, int] = {}
    announced = math.inf
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and WORD.search(cell.source):
            announced = min(announced, place)
        elif cell.cell_type == "code":
            for name, pattern in SIMULATED.items():
                if re.search(pattern, cell.source):
                    first.setdefault(name, place)
    return [name for name, place in first.items() if announced > place + 1]


def test_simulated_services_are_named_as_simulated():
    expected(
        "simulated", {f"{path.name[:2]} {name}" for path in course.PATHS for name in unannounced(course.read(path))}
    )


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["In the sandbox IAM is simulated.", "%%bash\naws iam list-users"], []),
        (["Users.", "%%bash\naws iam list-users"], ["IAM"]),
        (["Users.", "%%bash\naws iam list-users", "**What to notice.** This is simulated."], []),
        (["Costs.", "%%bash\naws ce help", "Then.", "More.", "It was simulated."], ["the bill"]),
    ],
)
def test_simulated_services_must_be_named_before_or_right_after_use(cells, found):
    import nbformat

    made = [
        nbformat.v4.new_code_cell(text) if text.startswith("%%") else nbformat.v4.new_markdown_cell(text)
        for text in cells
    ]
    assert unannounced(nbformat.v4.new_notebook(cells=made)) == found
