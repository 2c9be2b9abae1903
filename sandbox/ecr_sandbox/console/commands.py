"""The command of the AWS CLI and the line of Python that do the same as an action of the console."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore import xform_name

SHORTHAND = set(" ,=[]{}\"'\n")  # a value with one of these is written as JSON


class Commands(NamedTuple):
    """One action: the command of the AWS CLI, and Python."""

    cli: str
    python: str


def commands(service: str, operation: str, parameters: Mapping[str, Any]) -> Commands:
    """The commands for *operation* (``CreateRepository``) of *service*, ready to copy into a terminal or a notebook."""
    return Commands(cli(service, operation, parameters), python(service, operation, parameters))


def cli(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """The command line; one option a line when it is long."""
    options = [_option(name, value) for name, value in parameters.items()]
    words = [f"aws {service} {xform_name(operation, '-')}", *options]
    line = " ".join(words)
    return line if len(line) <= 100 else " \\\n    ".join(words)


def python(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """The call with boto3; one argument a line when it is long."""
    call = f'boto3.client("{service}").{xform_name(operation)}'
    arguments = [f"{name}={_literal(value)}" for name, value in parameters.items()]
    line = f"{call}({', '.join(arguments)})"
    return line if len(line) <= 100 else f"{call}(\n    " + ",\n    ".join(arguments) + ",\n)"


def _option(name: str, value: Any) -> str:
    flag = f"--{xform_name(name, '-')}"
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    if isinstance(value, list) and value and all(_is_flat(each) for each in value):
        return f"{flag} {' '.join(shlex.quote(_shorthand(each)) for each in value)}"
    if isinstance(value, list) or (isinstance(value, dict) and not _is_flat(value)):
        return f"{flag} {shlex.quote(json.dumps(value))}"
    return f"{flag} {shlex.quote(_shorthand(value))}"


def _is_flat(value: Any) -> bool:
    """Whether the CLI's shorthand can express it: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html"""
    if isinstance(value, dict):
        return all(not isinstance(each, (dict, list)) and not SHORTHAND & set(str(each)) for each in value.values())
    return not isinstance(value, list)


def _shorthand(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={_shorthand(each)}" for name, each in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _literal(value: Any) -> str:
    """*value* as Python; a string in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(each)}" for name, each in value.items()) + "}"
    return repr(value)
