"""The names of what the course makes: they begin with ``demo-``, or with another prefix (``ECR_TUTORIAL_PREFIX``).

The notebooks say ``demo-…``. With another prefix the same cells make, for example, ``tom-…``: the text of each cell is
changed before it runs.
"""

import re
from collections.abc import Mapping

from helpers import course, settings
from helpers.errors import LabError

ANOTHER_PREFIX = "ECR_TUTORIAL_PREFIX=my-course- make lab, which gives everything of the course another name"
# The names of the notebooks that do not begin with demo-: with another prefix it is put in front of them.
OTHERS = ("anatomy/", "elastic/", "left-behind", "no-such-repo")
NAME = re.compile(rf"(?<![\w-])(?<!title=)({settings.DEFAULT_PREFIX}|(?={'|'.join(OTHERS)}))")


def renamed(text: str) -> str:
    """*text* with the names of this run in place of ``demo-…``; text that has them already stays as it is."""
    if settings.PREFIX == settings.DEFAULT_PREFIX:
        return text

    def name(found: re.Match[str]) -> str:
        return found[0] if text.startswith(settings.PREFIX, found.start()) else settings.PREFIX

    return NAME.sub(name, text)


def taken(label: str) -> LabError:
    """The error for what exists without the tutorial's tag, such as ``repository demo-app-repo``: it is not used."""
    return LabError(
        f"The {label} has no tag {settings.TAG_TEXT}: this tutorial did not create it, so it stays.", ANOTHER_PREFIX
    )


def is_mine(name: str) -> bool:
    """Whether this name in AWS begins as those of this run do; other learners of the account have other prefixes."""
    starts = (settings.PREFIX, *(OTHERS if settings.PREFIX == settings.DEFAULT_PREFIX else ()))
    return name.removeprefix("/ecs/").startswith(starts)


def made_by(notebook: str) -> list[tuple[str, str]]:
    """``[("repository", "demo-app-repo"), …]``: what this notebook makes in AWS, by the names of this run."""
    made: Mapping[str, list[str]] = course.data("made.json")["notebooks"].get(notebook, {})
    return [(kind, renamed(name)) for kind, names in made.items() for name in names]


def register(shell) -> None:
    """Register the replacement of names with this IPython; with the default prefix there is nothing to replace."""
    if settings.PREFIX != settings.DEFAULT_PREFIX and replace not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(replace)


def replace(lines: list[str]) -> list[str]:
    """The lines of a cell with the names of this run."""
    return [renamed(line) for line in lines]
