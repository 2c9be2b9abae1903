"""helpers/data/made.json names what the cells make: what is missing there is not looked up before it is made on AWS.

Cells are read, not run: each call that makes something has its name as text, or in a variable of the same notebook.
"""

import re

import pytest

from helpers import course as helpers_course
from helpers import skips
from tests.notebooks import course

TABLE = helpers_course.data("made.json")["notebooks"]
NAME = r"""["']?([\w/-]+)"""
MAKES = {
    "repository": [
        rf"ecr create-repository.*?--repository-name {NAME}",
        rf"ecr\.create_repository\(repositoryName={NAME}",
    ],
    "public repository": [rf"public\.create_repository\(repositoryName={NAME}"],
    "user": [rf"create-user --user-name {NAME}", rf"iam\.create_user\(UserName={NAME}"],
    "user of the second account": [rf"there\.create_user\(UserName={NAME}"],
    "role": [rf"create_role\(RoleName={NAME}", rf"^make_role\({NAME}", rf"= make_role\({NAME}"],
    "policy": [rf"create_policy\(PolicyName={NAME}"],
    "cluster": [rf"create-cluster --cluster-name {NAME}", rf"create_cluster\(clusterName={NAME}"],
    "task definition": [rf"^register\({NAME}", rf"register_task_definition\(\s*family={NAME}"],
    "log group": [rf"--log-group-name {NAME}", rf"create_log_group\(logGroupName={NAME}"],
    "function": [rf"FunctionName={NAME}"],
}


def made(notebook) -> set[tuple[str, str]]:
    """``{("repository", "demo-app-repo"), …}``: what the cells and the solutions of a notebook make."""
    found: set[tuple[str, str]] = set()
    variables: dict[str, str] = {}
    for source, printed in sources(notebook):
        source = source.replace("\\\n", " ")
        variables |= dict(re.findall(r'(\w+) = \{"repositoryName": "([\w/-]+)"\}', source))
        for variable, name in variables.items():
            source = source.replace(f"(**{variable}", f'(repositoryName="{name}"')
        for kind, patterns in MAKES.items():
            names = {name for pattern in patterns for name in re.findall(pattern, source, re.MULTILINE | re.DOTALL)}
            found |= {(kind, name) for name in names if name not in ("name", "family") and not refused(source, printed)}
    return found


def refused(source: str, printed: str) -> bool:
    """Whether a cell shows that nothing is made: AWS refuses it, in every run."""
    return "An error occurred (" in printed or "RepositoryAlreadyExistsException" in source


def sources(notebook):
    """The cells that run on AWS, with what they print, and the code of the solutions."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and skips.TAG not in course.tags(cell):
            yield cell.source, "\n".join(course.texts(cell))
        elif "solution" in course.tags(cell):
            for source in re.findall(r"```(?:bash|python)\n(.*?)```", cell.source, re.DOTALL):
                yield source, ""


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_what_the_cells_make_is_in_the_table(path):
    listed = {(kind, name) for kind, names in TABLE[path.name[:2]].items() for name in names}
    elsewhere = {("repository", "demo-app-repo")}  # catch_up() notes it for every notebook
    assert made(course.read(path)) - listed - elsewhere == set()


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_what_is_in_the_table_is_in_the_notebook(path):
    text = "\n".join(cell.source for cell in course.read(path).cells)
    assert [name for names in TABLE[path.name[:2]].values() for name in names if name not in text] == []


def test_the_patterns_find_each_kind():
    found = {kind for path in course.PATHS for kind, _ in made(course.read(path))}
    assert found == set(MAKES)


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_an_image_that_is_imported_under_a_name_of_this_machine_is_in_the_table(path):
    """The others have the address of a repository, which the ledger notes."""
    cells = [source.replace("\\\n", " ") for source, _ in sources(course.read(path))]
    imported = {name for source in cells for name in re.findall(r"docker import .* - (demo-[\w-]+)", source)}
    assert imported == {name.partition(":")[0] for name in TABLE[path.name[:2]].get("image", ())}
