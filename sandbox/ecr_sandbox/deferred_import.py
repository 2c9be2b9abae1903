"""Modules that are loaded when something of them is used, and not by ``from package import module``.

Source: https://docs.python.org/3/library/importlib.html, "Implementing lazy imports".
"""

import sys
from importlib import import_module
from importlib.util import LazyLoader, find_spec, module_from_spec


def defer(name: str) -> None:
    """Defer the loading of the module *name*, if it is installed; to be called before anything imports it."""
    parent, _, last = name.rpartition(".")
    spec = find_spec(name)
    if spec is None or spec.loader is None or name in sys.modules:
        return
    spec.loader = LazyLoader(spec.loader)
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if parent:
        setattr(import_module(parent), last, module)
