"""The directive `cell`: a code cell of a notebook with its stored output, so that slides show what really ran."""

import json
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"


class Cell(SphinxDirective):
    """`{cell} 08_push_the_image c08`: the cell with this id; `:code:` and `:output:` choose lines, such as `1-2, 7`."""

    required_arguments = 2
    option_spec: ClassVar = {"code": directives.unchanged, "output": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return a block with the code and, unless `:output:` is `none`, one with the output."""
        notebook, name = self.arguments
        path = NOTEBOOKS / f"{notebook}.ipynb"
        self.env.note_dependency(str(path))
        found = [cell for cell in json.loads(path.read_text())["cells"] if cell.get("id") == name]
        if not found:
            raise self.error(f"{path.name} has no cell {name}")
        code = "".join(found[0]["source"])
        language = "bash" if code.startswith("%%") else "python"
        code = code.split("\n", 1)[1] if language == "bash" else code
        output = "".join("".join(each.get("text", "")) for each in found[0]["outputs"])
        blocks = [self._block(choose(code, self.options.get("code", "")), language, "code")]
        if self.options.get("output") != "none":
            blocks.append(self._block(choose(output, self.options.get("output", "")), "text", "output"))
        return blocks

    def _block(self, text: str, language: str, kind: str) -> nodes.literal_block:
        if not text.strip("…\n"):
            raise self.error(f"the cell {self.arguments[1]} does not have these lines of {kind}")
        return nodes.literal_block(text, text, language=language)


def choose(text: str, wanted: str) -> str:
    """The *wanted* lines of *text*, counted from 1, such as `1-2, 7`; all if it is empty, and `…` for a gap."""
    lines = text.strip("\n").split("\n")
    if not wanted:
        return "\n".join(lines)
    chosen: list[str] = []
    for part in wanted.split(","):
        first, _, last = part.strip().partition("-")
        chosen += [*(["…"] if chosen else []), *lines[int(first) - 1 : int(last or first)]]
    return "\n".join(chosen)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("cell", Cell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
