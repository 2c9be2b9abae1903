"""The public names of ``ecr_sandbox``: each exists, type checkers know the same ones, and the import is fast."""

import ast
import inspect
import subprocess
import sys

import pytest

import ecr_sandbox


@pytest.mark.parametrize("name", ecr_sandbox.__all__)
def test_each_name_exists(name):
    assert getattr(ecr_sandbox, name)


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'ecr_sandbox' has no attribute 'nothing'"):
        ecr_sandbox.nothing  # noqa: B018


def test_type_checkers_know_the_same_names():
    (block,) = [node for node in ast.parse(inspect.getsource(ecr_sandbox)).body if isinstance(node, ast.If)]
    typed = [
        (alias.asname or alias.name, f"{imported.module}:{alias.name}")
        for imported in block.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
    ]
    modules = {"services.cost_explorer:prices": "services.cost_explorer.prices"}
    assert {name: modules.get(place, place) for name, place in typed} == ecr_sandbox._PUBLIC


def test_the_import_loads_no_other_module_of_the_package_and_no_client():
    code = "import sys, ecr_sandbox; print([m for m in sys.modules if m.startswith(('ecr_sandbox.', 'boto', 'moto'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
