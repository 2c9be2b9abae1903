"""Reads all pages of an AWS list operation."""

from typing import Any


def list_all(client: Any, operation: str, result: str, **arguments: Any) -> list[Any]:
    """The items under *result* in all pages: ``list_all(ecr, "describe_repositories", "repositories")``."""
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[result]]
