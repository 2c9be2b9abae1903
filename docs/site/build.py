"""Builds the site or the slides: machine/site.py runs `python docs/site/build.py site|slides FOLDER [BROWSER]`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import sources
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
SLIDES = HERE.parent / "slides"
CACHE = sources.ROOT / ".cache" / "site"
NAME = "learn-amazon-ecr"
PDF = ("--headless", "--disable-gpu", "--no-pdf-header-footer", "--generate-pdf-document-outline")


def main(what: str, folder: Path, browser: str | None = None) -> int:
    """Write the site or the slides into *folder*; return the exit code."""
    if folder.exists() and not (folder / ".buildinfo").exists():
        print(f"{folder} was not made by this program. Remove it, or choose another folder.", file=sys.stderr)
        return 1
    return slides(folder) if what == "slides" else site(folder, browser)


def slides(folder: Path) -> int:
    """Write the slides into *folder*; return the exit code."""
    return sphinx("revealjs", folder, SLIDES, SLIDES)


def site(folder: Path, browser: str | None) -> int:
    """Write pages, EPUB and, by the *browser*, a Chromium, PDF into *folder*; return the exit code."""
    source = CACHE / "source"
    sources.write(source)
    downloads = {"epub": CACHE / "epub" / f"{NAME}.epub"}
    if sphinx("epub", CACHE / "epub", HERE, source):
        return 1
    if browser:
        downloads["pdf"] = CACHE / f"{NAME}.pdf"
        if sphinx("singlehtml", CACHE / "singlehtml", HERE, source):
            return 1
        pdf(browser, CACHE / "singlehtml" / "index.html", downloads["pdf"])
    if sphinx("html", folder, HERE, source, *(f"-A{kind}={path.name}" for kind, path in downloads.items())):
        return 1
    for path in downloads.values():
        shutil.copy(path, folder)
    return 0


def sphinx(builder: str, folder: Path, settings: Path, source: Path, *arguments: str) -> int:
    """Run one of Sphinx's builders into an empty *folder*; return its exit code, which is not 0 after a warning."""
    shutil.rmtree(folder, ignore_errors=True)
    strict = ("--quiet", "--fail-on-warning", "--keep-going")
    folders = (f"--conf-dir={settings}", f"--doctree-dir={CACHE / 'doctrees' / settings.name}", source, folder)
    return build_main([*strict, "--builder", builder, *arguments, *map(str, folders)])


def pdf(browser: str, page: Path, target: Path) -> None:
    """Print *page* into the file *target*; raises `CalledProcessError`."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own sandbox does not run as root
    argv = [browser, *PDF, *root, f"--print-to-pdf={target}", page.as_uri()]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
