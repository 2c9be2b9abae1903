"""Builds the site into a folder: `python docs/site/build.py FOLDER`, in an environment with the group `site`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import sources
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
CACHE = sources.ROOT / ".cache" / "site"
NAME = "learn-amazon-ecr"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
PDF = ("--headless", "--disable-gpu", "--no-pdf-header-footer", "--generate-pdf-document-outline")


def main(folder: Path) -> int:
    """Write pages, EPUB and, if there is a Chromium, PDF into *folder*; return the exit code."""
    if folder.exists() and not (folder / ".buildinfo").exists():
        print(f"{folder} is not empty and not a site. Remove it, or choose another folder.", file=sys.stderr)
        return 1
    sources.write(CACHE / "source")
    shutil.rmtree(folder, ignore_errors=True)
    for builder in ("epub", "singlehtml"):
        shutil.rmtree(CACHE / builder, ignore_errors=True)
        if sphinx(builder, CACHE / builder):
            return 1
    downloads = {"epub": CACHE / "epub" / f"{NAME}.epub", "pdf": CACHE / f"{NAME}.pdf"}
    if not pdf(CACHE / "singlehtml" / "index.html", downloads["pdf"]):
        print("The site has no PDF: no Chromium or Chrome was found. Install one and run it again.", file=sys.stderr)
        del downloads["pdf"]
    if sphinx("html", folder, *(f"-A{kind}={path.name}" for kind, path in downloads.items())):
        return 1
    for path in downloads.values():
        shutil.copy(path, folder)
    return 0


def sphinx(builder: str, folder: Path, *arguments: str) -> int:
    """Run one of Sphinx's builders; return its exit code, which is not 0 after a warning."""
    strict = ("--quiet", "--fail-on-warning", "--keep-going", "--jobs=auto")
    folders = (f"--conf-dir={HERE}", f"--doctree-dir={CACHE / 'doctrees'}", str(CACHE / "source"), str(folder))
    return build_main([*strict, "--builder", builder, *arguments, *folders])


def browser() -> str | None:
    """The path of a Chromium or Chrome; None if there is none."""
    return next(filter(None, map(shutil.which, (*BROWSERS, MAC))), None)


def pdf(page: Path, target: Path) -> bool:
    """Print *page* into the file *target*; False if there is no browser. Raises `CalledProcessError`."""
    program = browser()
    if program:
        root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own sandbox does not run as root
        argv = [program, *PDF, *root, f"--print-to-pdf={target}", page.as_uri()]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
    return program is not None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
