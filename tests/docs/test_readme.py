"""The README and docs/terminal.md: their links resolve, and their commands work as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import settings
from tests.sandbox.conftest import free_port

README = (settings.PROJECT / "README.md").read_text()
TERMINAL = (settings.PROJECT / "docs" / "terminal.md").read_text()
TEACHING = (settings.PROJECT / "docs" / "teaching.md").read_text()
LINES = 120  # at most in the README
TEST_REPOSITORY = "readme-test-repo"  # instead of demo-app-repo, which may belong to the learner


def blocks() -> list[str]:
    """The indented blocks of commands."""
    return [
        re.sub(r"^ {4}", "", block, flags=re.MULTILINE)
        for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", TERMINAL, re.MULTILINE)
    ]


def typed(sign: str = "ecr-lab env") -> str:
    """The commands of the second terminal, or of another block that has *sign*."""
    block = next(block for block in blocks() if sign in block)
    return (
        (block.partition("# in another\n")[2] or block)
        .replace("demo-app-repo", TEST_REPOSITORY)
        .replace("$REPOSITORY_URI", f"$REGISTRY/{TEST_REPOSITORY}")
    )


@pytest.fixture
def make_sandbox(tmp_path):
    """`make sandbox` without its set-up: the process in the foreground, after its ready line."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECR_TUTORIAL_"))}
    env |= {"ECR_TUTORIAL_STATE": str(tmp_path / "state"), "ECR_TUTORIAL_PORT": str(free_port())}
    env |= {"ECR_TUTORIAL_BASE": str(tmp_path / "none")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from helpers.cli import main; main()", "serve"],
        env=env,
        cwd=settings.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert re.fullmatch(r"ready http://localhost:\d+\n", process.stdout.readline())
    yield env
    process.terminate()
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.fixture
def shell(make_sandbox):
    """A shell in the project's folder, after the `eval` of docs/terminal.md."""
    ecr_lab = "import sys; from helpers.cli import main; sys.argv = ['ecr-lab', 'env']; main()"

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        script = f'set -o pipefail\neval "$({sys.executable} -c "{ecr_lab}")" || exit 9\n{commands}'
        return subprocess.run(
            ["bash", "-c", script], env=make_sandbox, cwd=settings.PROJECT, capture_output=True, text=True, timeout=300
        )

    yield run
    run(f'docker rmi -f {TEST_REPOSITORY} "$REGISTRY/{TEST_REPOSITORY}:latest" "$REGISTRY/no-such-repo"')


def test_the_seven_commands_work(shell):
    done = shell("set -e\n" + typed())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Login Succeeded" in done.stdout
    assert "latest: digest: sha256:" in done.stdout
    assert '"imageTags": [\n                "latest"' in done.stdout


def test_an_access_key_has_the_permissions_of_its_policies(shell):
    access_key = typed("create-access-key")
    done = shell(f"({typed()}) > /dev/null 2>&1\n{access_key}")
    ann = "denied: User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ecr:"
    assert ann in done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("latest: digest: sha256:") == 1


def test_failures_have_the_messages_of_ecr(shell):
    before_login = shell(
        f'docker tag {settings.BASE_IMAGE} "$REGISTRY/no-such-repo"; docker push "$REGISTRY/no-such-repo"'
    )
    assert "no basic auth credentials" in before_login.stderr
    login = 'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"'
    missing = shell(f'{login} && docker push "$REGISTRY/no-such-repo"')
    assert "name unknown: The repository with name 'no-such-repo' does not exist" in missing.stderr
    wrong_region = shell(login.replace("password |", "password --region eu-west-1 |"))
    assert "400 Bad Request" in wrong_region.stderr
    nothing = "export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null; "
    no_credentials = shell(nothing + "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; aws ecr describe-repositories")
    assert "Unable to locate credentials" in no_credentials.stderr
    no_region = shell(nothing + "unset AWS_REGION AWS_DEFAULT_REGION; aws ecr describe-repositories")
    assert "You must specify a region" in no_region.stderr
    for done in (before_login, missing, wrong_region, no_credentials, no_region):
        assert done.returncode not in (0, 9)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "docs/terminal.md", "docs/teaching.md", "notebooks/README.md"]
)
def test_links_resolve(document):
    path = settings.PROJECT / document
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        assert link.startswith(("http://", "https://", "#")) or (path.parent / link.split("#")[0]).exists(), link


def test_every_notebook_is_in_the_table_with_its_minutes():
    for path in sorted((settings.PROJECT / "notebooks").glob("[0-9]*.ipynb")):
        row = next(line for line in README.splitlines() if f"(notebooks/{path.name})" in line)
        minutes = re.search(r"(\d+) minutes", path.read_text())
        assert minutes
        assert row.endswith(f"| {minutes[1]} |"), row


def test_every_make_target_in_the_documents_exists():
    makefile = (settings.PROJECT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)\b(?=`|$|[ \n]*#)", README + TERMINAL + TEACHING, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LINES


def test_figures_are_dated():
    figures = (settings.PROJECT / "docs" / "benchmarks.md").read_text()
    assert re.search(r"Measured on \d{4}-\d\d-\d\d, 2 cores", figures)


def test_no_placeholder_is_left():
    assert "FIGURES" not in README
    assert Path(settings.PROJECT / "LICENSE").exists()
