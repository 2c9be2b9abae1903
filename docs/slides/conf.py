"""Sphinx's configuration of the slides; `make slides` builds one deck of reveal.js from each page of this folder."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = html_title = "Learn Amazon ECR by doing"
author = copyright = "the authors of Learn Amazon ECR by doing. Apache License 2.0"
language = "en"

extensions = ["myst_parser", "sphinx_revealjs", "cells"]
suppress_warnings = ["toc.not_included"]  # a deck is a page of its own
myst_enable_extensions = ["colon_fence"]

revealjs_style_theme = "white"
revealjs_static_path = [str(HERE / "static")]
revealjs_css_files = ["slides.css"]
revealjs_use_section_ids = True
revealjs_script_conf = {"width": 1280, "height": 720, "center": False, "hash": True, "slideNumber": "c/t"}
revealjs_script_plugins = [{"name": "RevealNotes", "src": "revealjs/plugin/notes/notes.js"}]
