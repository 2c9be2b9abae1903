"""Sphinx's configuration of the site; `python -m machine.site` (`make site`) runs it on what sources.py writes."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

project = title = html_title = epub_title = "Learn Amazon ECR by doing"
author = copyright = "the authors of Learn Amazon ECR by doing. Apache License 2.0"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "hooks"]
nb_execution_mode = "off"  # the stored outputs are the ones that the tests compare
nb_merge_streams = True
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
pygments_dark_style = "github-dark-high-contrast"  # Furo's own underlines names, as if they were links
html_static_path = [str(HERE / "static")]
templates_path = [str(HERE / "templates")]
html_sidebars = {
    "**": [
        *(f"sidebar/{part}.html" for part in ("brand", "search", "scroll-start", "navigation")),
        "downloads.html",
        "sidebar/scroll-end.html",
    ]
}
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = html_show_sourcelink = html_use_index = False
html_show_search_summary = False  # a browser does not let a page of a folder read another one
html_domain_indices = False

# A copy button for what a reader types, not for what a command prints.
copybutton_selector = "div.highlight:not(.cell_output *) > pre"

epub_author = epub_publisher = author
epub_basename = "learn-amazon-ecr"
epub_identifier = epub_uid = "learn-amazon-ecr"
epub_scheme = "id"
epub_show_urls = "no"
epub_tocscope = "includehidden"  # index.md hides the list of pages, which the sidebar shows
epub_use_index = False
