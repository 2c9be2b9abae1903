"""The Dockerfile follows best practices."""

import fnmatch
import importlib.metadata
import re

import pytest

from helpers import settings

APP = settings.PROJECT / "sample_app"


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order, without comments and line continuations."""
    text = re.sub(r"^#.*\n", "", (APP / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


def place(steps, instruction: str, starts: str = "") -> int:
    return next(i for i, step in enumerate(steps) if step[0] == instruction and step[1].startswith(starts))


def test_the_base_image_is_an_argument_with_the_pinned_default(steps):
    assert steps[:2] == [("ARG", f"BASE_IMAGE={settings.BASE_IMAGE}"), ("FROM", "${BASE_IMAGE}")]
    assert "latest" not in (APP / "Dockerfile").read_text()


def test_frequently_changed_steps_come_last(steps):
    order = [
        place(steps, "COPY", "requirements.txt"),
        place(steps, "RUN", "pip install"),
        place(steps, "COPY", ". ."),
        place(steps, "ARG", "APP_VERSION"),
        place(steps, "USER"),
    ]
    assert order == sorted(order)


def test_pip_writes_no_cache_and_no_bytecode(steps):
    install = steps[place(steps, "RUN")][1]
    assert "--no-cache-dir" in install
    assert "--no-compile" in install


def test_the_user_is_numeric_and_not_root(steps):
    last = [value for name, value in steps if name == "USER"][-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last)


def test_the_health_check_uses_python_only(steps):
    check = steps[place(steps, "HEALTHCHECK")][1]
    assert re.search(r'CMD +\["python", "-c", .*/healthz', check)


def test_the_server_is_started_without_a_shell(steps):
    assert steps[-1][0] == "CMD"
    assert re.fullmatch(r'\["gunicorn"(, "[^"]+")+\]', steps[-1][1])


def test_the_port_is_the_same_everywhere(steps):
    assert steps[place(steps, "EXPOSE")][1] == "8080"
    assert "0.0.0.0:8080" in steps[-1][1]
    assert "8080" in steps[place(steps, "HEALTHCHECK")][1]


def test_the_dockerfile_uses_no_buildkit_syntax():
    text = (APP / "Dockerfile").read_text()
    assert not re.search(r"^# *syntax=|--mount|--chmod|--link|<<", text, re.MULTILINE)


def test_the_image_has_the_standard_oci_labels(steps):
    labels = steps[place(steps, "LABEL")][1]
    for name in ("title", "description", "licenses", "version"):
        assert f"org.opencontainers.image.{name}=" in labels


def excluded(path: str) -> bool:
    """Whether .dockerignore excludes a path; supports the rules that its patterns use."""
    patterns = [line for line in (APP / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = path.split("/")
    heads = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    tails = [
        part
        for pattern in patterns
        if pattern.startswith("**/")
        for part in parts
        if fnmatch.fnmatchcase(part, pattern[3:])
    ]
    return bool(tails) or any(
        fnmatch.fnmatchcase(head, pattern) and head.count("/") == pattern.count("/")
        for head in heads
        for pattern in patterns
    )


@pytest.mark.parametrize(
    "path",
    [
        *(".env", ".env.local", "key.pem", ".aws/credentials", ".git/config", "notes.ipynb", "README.md"),
        *(".venv/bin/python", "__pycache__/app.cpython-311.pyc", "templates/.ipynb_checkpoints/page.html"),
        *("tests/test_app.py", "test_app.py", ".pytest_cache/README", "Dockerfile", ".dockerignore"),
    ],
)
def test_secrets_and_development_files_are_excluded(path):
    assert excluded(path)


def test_the_files_of_the_app_are_included():
    assert not any(map(excluded, ["app.py", "requirements.txt", "templates/page.html"]))


def pins() -> dict[str, str]:
    lines = [line for line in (APP / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    return dict(line.split("==") for line in lines)


def test_every_dependency_is_pinned_and_sorted():
    assert all(re.fullmatch(r"\d+(\.\d+)+", version) for version in pins().values())
    assert list(pins()) == sorted(pins(), key=str.lower)


def test_transitive_dependencies_are_pinned():
    wanted = {"flask"}
    for name in list(pins()):
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # gunicorn is installed in the image only, where `pip check` runs
        wanted |= {re.match(r"[\w.-]+", need)[0].lower() for need in requires if ";" not in need}
    assert wanted <= {name.lower() for name in pins()}
