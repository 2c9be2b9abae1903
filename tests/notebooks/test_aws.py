"""On a real account no cell fails: cells that need the sandbox are guarded, and created resources have the tag.

A cell that uses features of the sandbox either checks `lab.target`, or has the tag `sandbox-only`. On AWS,
helpers/skips.py replaces such a cell by a message that it is skipped; the text above the cell has the reason.
"""

import re

import pytest

from helpers import skips
from tests.notebooks import course
from tests.notebooks.known_findings import expected

SANDBOX_ONLY = {
    r"\.password_of\(": "AWS issues no tokens of the past",
    r"ecr-lab clock": "the clock of AWS cannot be moved",
    r"/_sandbox|\blab\.endpoint\b|\becr_sandbox\.(?!prices\b)": "the sandbox's own API",
    r"\becr-lab (up|down|gc|reset)\b": "there is no sandbox to manage",
    r"other-account|OTHER_PROFILE": "a real account need not have a second one",
    r"(localhost|127\.0\.0\.1):\d": "the sandbox's address; $REGISTRY is right everywhere",
}
GUARD = re.compile(r"\blab\.target\b|ECR_TUTORIAL_TARGET")
THING = "(repository|user|role|policy)"
MAKES = re.compile(rf"^\s*aws (ecr|ecr-public|iam) create-{THING}(?![-\w])|\.create_{THING}\(", re.MULTILINE)
TAGGED = re.compile(r"made-by|made_by|settings\.TAG")
REFUSED = re.compile(r"\w+Exception\b|An error occurred \(")


def unguarded(source: str) -> list[str]:
    """The features of the sandbox that a cell uses, unless the cell checks the target."""
    if GUARD.search(source):
        return []
    return [why for pattern, why in SANDBOX_ONLY.items() if re.search(pattern, source)]


def made_without_tag(source: str, printed: str) -> bool:
    """Whether a cell creates a resource without the tag for clean-up; a refused call creates nothing."""
    return bool(MAKES.search(source)) and not TAGGED.search(source) and not REFUSED.search(printed)


def test_cells_that_need_the_sandbox_are_guarded_or_tagged():
    found = set()
    for path in course.PATHS:
        for cell in course.code(course.read(path)):
            if skips.TAG not in course.tags(cell):
                found |= {f"{path.name[:2]} {why}: {cell.source.splitlines()[0]}" for why in unguarded(cell.source)}
    expected("aws", found)


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_the_text_above_a_skipped_cell_has_the_reason(path):
    above = ""
    for cell in course.read(path).cells:
        if cell.cell_type == "markdown":
            above = cell.source
        elif skips.TAG in course.tags(cell):
            assert re.search(r"\b[Ss]andbox\b", above) and "AWS" in above, cell.source


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_every_created_resource_has_the_tag_for_clean_up(path):
    notebook = course.read(path)
    for cell in course.code(notebook):
        if skips.TAG in course.tags(cell):
            continue  # on AWS it creates nothing
        assert not made_without_tag(cell.source, "\n".join(course.texts(cell))), cell.source
    for cell in notebook.cells:
        if "solution" in course.tags(cell):
            for source in re.findall(r"```(?:bash|python)\n(.*?)```", cell.source, re.DOTALL):
                assert not made_without_tag(source, ""), source


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("lab.password_of(hours_ago=13)", 1),
        ("if lab.target == 'sandbox':\n    lab.password_of(hours_ago=13)", 0),
        ("%%bash\naws ecr describe-repositories --profile other-account", 1),
        ("%%bash\ndocker pull localhost:5050/demo-app-repo", 1),
        ("%%bash\necr-lab clock --forward 14", 1),
        ('%%bash\ndocker pull "$REGISTRY/demo-app-repo"', 0),
    ],
)
def test_unguarded_cells_are_found(source, found):
    assert len(unguarded(source)) == found


@pytest.mark.parametrize(
    ("source", "printed", "is_untagged"),
    [
        ("%%bash\naws ecr create-repository --repository-name x", "x", True),
        ("%%bash\naws ecr create-repository --repository-name x --tags Key=made-by,Value=y", "x", False),
        ('ecr.create_repository(repositoryName="x")', "x", True),
        ('ecr.create_repository(repositoryName="X")', "InvalidParameterException", False),
        ('show.table([("make one", "aws ecr create-repository …")])', "make one", False),
    ],
)
def test_untagged_resources_are_found(source, printed, is_untagged):
    assert made_without_tag(source, printed) == is_untagged
