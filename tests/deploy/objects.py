"""Prints what Kubernetes' schema says against the objects in these files, as JSON: a list of sentences.

    python objects.py FILE.yaml …

It runs in the environment of deploy/tests.lock.
"""

import json
import sys

import kubernetes_validate
import yaml
from render import VERSION


def errors(path: str) -> list[str]:
    """One sentence for each object that the schema refuses."""
    found = []
    with open(path) as file:
        for each in yaml.safe_load_all(file):
            try:
                kubernetes_validate.validate(each, VERSION, strict=True)
            except kubernetes_validate.ValidationError as problem:
                found.append(f"{each['kind']} {'.'.join(map(str, problem.path))}: {problem.message}")
    return found


if __name__ == "__main__":
    print(json.dumps([error for path in sys.argv[1:] for error in errors(path)]))
