"""Names with another prefix than demo-: in cells, in messages, and which prefixes are possible."""

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import helpers
from ecr_sandbox import SandboxError
from helpers import names, settings
from helpers.exercises import checks


@pytest.fixture
def tom(monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", "tom-")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("aws ecr create-repository --repository-name demo-app-repo", "… --repository-name tom-app-repo"),
        ('docker push "$REGISTRY/demo-app-repo:v1"', '… "$REGISTRY/tom-app-repo:v1"'),
        ('logGroupName="/ecs/demo-app"', '…"/ecs/tom-app"'),
        ('f"arn:aws:iam::{lab.account}:role/demo-node"', '…:role/tom-node"'),
        ("filterType=WILDCARD,filter=demo-app-*", "…,filter=tom-app-*"),
        ('lab.start_over("anatomy/hello", "left-behind")', 'lab.start_over("tom-anatomy/hello", "tom-left-behind")'),
        ('url = f"{lab.registry_url}/v2/anatomy/hello"', '…/v2/tom-anatomy/hello"'),
        ("docker run learn-ecr-demo demo", "… learn-ecr-demo demo"),
        ("--filter label=org.opencontainers.image.title=demo-app", "….title=demo-app"),
        ("a-demo-b my_demo-b", "a-demo-b my_demo-b"),
    ],
)
def test_names_get_the_prefix_where_they_begin(tom, text, new):
    found = names.renamed(text)
    assert found.endswith(new.partition("…")[2] or new)
    assert names.renamed(found) == found


def test_a_prefix_that_begins_as_the_names_do_is_set_once(monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", "demo-tom-")
    assert names.renamed("demo-app demo-tom-app") == "demo-tom-app demo-tom-app"


def test_with_the_default_prefix_nothing_changes():
    assert names.renamed("demo-app anatomy/hello") == "demo-app anatomy/hello"
    shell = InteractiveShell()
    names.register(shell)
    assert names.replace not in shell.input_transformers_cleanup


def test_a_cell_runs_with_the_names_of_this_run(tom):
    shell = InteractiveShell()
    names.register(shell)
    names.register(shell)
    assert shell.input_transformers_cleanup.count(names.replace) == 1
    assert shell.run_cell('name = "demo-app"').success
    assert shell.user_ns["name"] == "tom-app"


def test_a_check_names_what_the_learner_sees(tom, plain):
    assert checks.verdict("03.1")[1].startswith("✗ 03.1 there is no repository tom-guarded-repo yet.")


def test_connect_prints_the_prefix(tom, capsys):
    helpers.connect()
    assert "✔ names: demo-… is tom-… in this run" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "prefix", ["tom", "Tom-", "-tom-", "1-", "tom--", "tom/", "t.m-", "a-very-long-prefix-here-", "-"]
)
def test_an_impossible_prefix_is_one_sentence(prefix, monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", prefix)
    with pytest.raises(SandboxError, match=f"^ECR_TUTORIAL_PREFIX is '{prefix}': set it to .*, like 'tom-'.$"):
        helpers.connect()


@pytest.mark.parametrize("prefix", ["tom-", "t-", "team-42-", "a1-b2-c3-"])
def test_prefixes_that_all_services_allow(prefix, monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", prefix)
    settings.check_prefix()


def test_all_names_of_the_helpers_begin_with_the_prefix(monkeypatch):
    """A name is read when its module is imported, so another process is asked."""
    monkeypatch.setenv("ECR_TUTORIAL_PREFIX", "tom-")
    code = (
        "import pkgutil, importlib, helpers\n"
        "for each in pkgutil.walk_packages(helpers.__path__, 'helpers.'):\n"
        "    found = vars(importlib.import_module(each.name))\n"
        "    for name, value in found.items():\n"
        "        for text in value if isinstance(value, tuple) else [value]:\n"
        "            if name.isupper() and isinstance(text, str) and text.startswith(('demo-', '/ecs/demo-')):\n"
        "                print(each.name, name, text)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["helpers.settings DEFAULT_PREFIX demo-"]
