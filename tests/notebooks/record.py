"""``make record``: run notebooks from a clean state and store what they print.

If an output differs from the stored one only in the patterns of ``sanitize.cfg``, the stored one is kept, so that
recording twice changes nothing.
"""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbval.plugin import carriagereturn_pat, coalesce_streams, get_sanitize_patterns

from helpers import names, settings
from tests.notebooks import clean_state, course, programs

NOTEBOOKS = settings.PROJECT / "notebooks"
SANITIZE = Path(__file__).with_name("sanitize.cfg")
AWS = SANITIZE.with_name("aws.cfg")
OTHER_DOCKER = Path(__file__).with_name("other_docker.cfg")
PORTS = 10  # the sandbox's first port and the next ones: the Docker Hub stand-in, ECR Public, other accounts


def main(chosen: list[str]) -> None:
    """Record the notebooks whose names begin with one of *chosen*, or all."""
    if not programs.is_recorded_kind():
        sys.exit(f"Outputs are recorded with containerd's image store and BuildKit; this is {programs.in_use()}.")
    os.environ.setdefault("ECR_TUTORIAL_STATE", str(clean_state.FOLDER))
    os.environ.setdefault("ECR_TUTORIAL_PORT", clean_state.PORT)
    os.environ.setdefault(settings.SEED, clean_state.SEED)
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        if not chosen or path.name.startswith(tuple(chosen)):
            clean_state.make()
            print(f"{path.name}: {record(path)} cells changed", flush=True)
    if not os.environ.get("ECR_TUTORIAL_KEEP_STATE"):
        clean_state.leave()


def record(path: Path) -> int:
    """Run the notebook at *path*, store its outputs, and return how many cells have a new output."""
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    course.run(fresh)
    changed = 0
    for old, new in zip(stored.cells, fresh.cells, strict=True):
        if new.cell_type != "code":
            continue
        new.outputs = [_placed(output) for output in coalesce_streams(new.outputs)]
        new.metadata.pop("execution", None)  # times of day
        if [_steady(output) for output in old.outputs] != [_steady(output) for output in new.outputs]:
            changed += 1
    if not changed:  # all or nothing: other cells refer to the digests of this one
        for old, new in zip(stored.cells, fresh.cells, strict=True):
            if new.cell_type == "code":
                new.outputs = old.outputs
    fresh.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    nbformat.write(fresh, path)
    return changed


def sanitized(text: str, *others: Path) -> str:
    """*text* as nbval compares it; with the patterns of these *others*, too."""
    for file in (SANITIZE, *others):
        text = with_patterns(text, patterns(file))
    return text


def with_patterns(text: str, replaced: Iterable[tuple[str, str]]) -> str:
    """*text* after these patterns were replaced in their order."""
    for pattern, word in replaced:
        text = re.sub(pattern, word, text)
    return text


def patterns(file: Path = SANITIZE) -> list[tuple[str, str]]:
    """Pattern and replacement of each entry, parsed by nbval."""
    return get_sanitize_patterns(file.read_text())


def of_the_prefix(prefix: str) -> list[tuple[str, str]]:
    """Pattern and replacement that give the names of a run with this prefix the names of the recording."""
    if prefix == settings.DEFAULT_PREFIX:
        return []
    start = rf"(?<![\w-]){prefix}"
    return [
        (r"(?m)^✔ names: .*\n?", ""),
        (rf"{start}(?={'|'.join(names.OTHERS)})", ""),
        (start, settings.DEFAULT_PREFIX),
    ]


def _placed(output):
    """The output with the learner's folder and the default port instead of those of the recording."""
    if "text" in output:
        output.text = _usual(carriagereturn_pat.sub("", output.text))
    for kind, data in output.get("data", {}).items():
        if isinstance(data, str):
            output.data[kind] = _usual(data)
    return output


def _usual(text: str) -> str:
    text = text.replace(str(clean_state.FOLDER), "~/learn-amazon-ecr/.sandbox")
    text = text.replace(str(settings.PROJECT), "~/learn-amazon-ecr")
    first = int(os.environ["ECR_TUTORIAL_PORT"])
    for further in range(PORTS):
        for host in ("localhost", "127.0.0.1"):
            text = text.replace(f"{host}:{first + further}", f"{host}:{settings.DEFAULT_PORT + further}")
    return text


def _steady(output) -> dict[str, str]:
    """The parts of an output that are compared: its kind and its sanitized texts."""
    texts = {name: output[name] for name in ("name", "text", "ename", "evalue") if name in output}
    data = output.get("data", {})
    texts |= {kind: str(shown) for kind, shown in data.items() if not kind.startswith("image/")}
    pictures = {kind: shown for kind, shown in data.items() if kind.startswith("image/")}
    return {"kind": output.output_type} | pictures | {name: sanitized(text) for name, text in texts.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
