"""The directive `cell`: a code cell of a notebook with its stored output, so that slides show what really ran."""

import json
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from lines import choose, choose_code
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"


class Cell(SphinxDirective):
    """`{cell} 08_push_the_image c08`: the cell with this id.

    `:code:` chooses lines by how they begin, `:output:` by number.
    """

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
        blocks = [self._block(self._chosen(code), language, "code")]
        if self.options.get("output") != "none":
            blocks.append(self._block(choose(output, self.options.get("output", "")), "text", "output"))
        return blocks

    def _chosen(self, code: str) -> str:
        try:
            return choose_code(code, self.options.get("code", ""))
        except ValueError as refused:
            raise self.error(f"the cell {self.arguments[1]}: {refused}") from None

    def _block(self, text: str, language: str, kind: str) -> nodes.literal_block:
        if not text.strip("…\n"):
            raise self.error(f"the cell {self.arguments[1]} does not have these lines of {kind}")
        return nodes.literal_block(text, text, language=language)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("cell", Cell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
