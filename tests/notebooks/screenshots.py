"""``make pictures`` takes the screenshots of the sandbox's console that the course shows, with headless Chromium.

Each is an SVG in notebooks/img with two pictures, for the light and for the dark scheme. An SVG, because JupyterLab and
GitHub show it as any other image, and because it can choose by ``prefers-color-scheme``. It also has the words of the
page, and the tests compare them with today's console.

``python -m tests.notebooks.screenshots [NAME…]`` takes some of them, or all.
"""

import html
import io
import re
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import requests

from helpers import settings
from machine import browser, clients
from tests.notebooks import scenes, scenes_look_after
from tests.notebooks.moved_clock import BEGIN
from tests.notebooks.scenes import Screenshot, Stage
from tests.sandbox.conftest import Sandbox
from tests.sandbox.console.pages import text

SCREENSHOTS = {**scenes.SCREENSHOTS, **scenes_look_after.SCREENSHOTS}
FOLDER = settings.PROJECT / "notebooks" / "img"
WIDTH = 1000  # of the picture on a page, in pixels
FINE = 1.5  # pixels of the screenshot for each of them
COLORS = 32  # those of the page, and the smooth edges of its letters
TASK = "0f4d1b3c5e7a49b2862d90ac1e3f5b7d"  # the id of a task
CLOCK = (sys.executable, "-m", "tests.notebooks.moved_clock")
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"\
 aria-labelledby="title desc">
<title id="title">{title}</title>
<desc id="desc">{description}</desc>
<metadata>{words}</metadata>
<style>.night{{display:none}}@media(prefers-color-scheme:dark){{.day{{display:none}}.night{{display:inline}}}}</style>
<image class="day" width="{width}" height="{height}" href="{day}"/>
<image class="night" width="{width}" height="{height}" href="{night}"/>
<rect x=".5" y=".5" width="{inner_width}" height="{inner_height}" fill="none" stroke="#8a97a3"/>
</svg>
"""


class CourseSandbox(Sandbox):
    """A sandbox as `ecr-lab` starts it: its pages name this command."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "ECR_SANDBOX_COMMAND": "ecr-lab"}


def main(names: list[str]) -> int:
    """Take the screenshots with these names, or all; the exit code."""
    if unknown := sorted({*names} - {*SCREENSHOTS}):
        print(f"There is no screenshot {', '.join(unknown)}: choose of {', '.join(SCREENSHOTS)}.", file=sys.stderr)
        return 2
    program = clients.find("chromium")
    if not program or not browser.is_current():
        print("This needs Chromium and Playwright: python -m machine.clients; python -m machine.browser")
        return 1
    sys.path.append(str(browser.FOLDER))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's own sandbox does not run as root; text in shades of gray needs fewer colors.
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-lcd-text"])
        for scene, chosen in by_scene(names or [*SCREENSHOTS]):
            with staged(scene) as sandbox:
                for name, shot in chosen:
                    day, night = (taken(running, sandbox, shot, scheme) for scheme in ("light", "dark"))
                    target = FOLDER / f"{name}.svg"
                    target.write_text(svg(shot, words(sandbox, shot), day, night), encoding="utf-8")
                    print(f"{target.relative_to(settings.PROJECT)}: {target.stat().st_size / 1000:.0f} kB")
        running.close()
    return 0


def by_scene(names: list[str]) -> Iterator[tuple[Any, list[tuple[str, Screenshot]]]]:
    """Each scene, and the screenshots that are taken of it."""
    chosen = sorted(((name, SCREENSHOTS[name]) for name in names), key=lambda each: each[1].scene.__name__)
    for scene, shots in groupby(chosen, key=lambda each: each[1].scene):
        yield scene, list(shots)


@contextmanager
def staged(scene: Any) -> Iterator[Sandbox]:
    """A sandbox in the state of *scene*."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = CourseSandbox(Path(folder)).start(CLOCK)
        try:
            scene(Stage(sandbox))
            yield sandbox
        finally:
            sandbox.stop()


def steady(page: str, sandbox: Sandbox) -> str:
    """*page* as a sandbox with the default ports shows it, with whole minutes of the scene's day.

    All tasks have one id. IAM's users and roles have the time of the machine, not of the sandbox's clock.
    """
    page = page.replace(sandbox.registry, f"localhost:{settings.DEFAULT_PORT}")
    page = re.sub(r"localhost:(?!5050)\d+", f"localhost:{settings.DEFAULT_PORT + 1}", page)
    page = re.sub(r"(?<!tasks/)\b[0-9a-f]{32}\b", TASK, page)  # not in links, which must work
    page = re.sub(r"\b[0-9a-f]{8}…", f"{TASK[:8]}…", page)
    day = f"{BEGIN:%B %d, %Y}"
    return re.sub(
        r"(\w+ \d\d, \d{4}), (\d\d:\d\d):\d\d \(UTC\)",
        lambda at: f"{day}, {at[2] if at[1] == day else '09:00'}:00 (UTC)",
        page,
    )


def words(sandbox: Sandbox, shot: Screenshot) -> str:
    """The words of the page, and of the dialog on it."""
    session = requests.Session()
    session.trust_env = False
    addresses = [(shot.address, {}), (shot.opens, {"HX-Request": "true"})]
    answers = [session.get(f"{sandbox.url}/console/{at}", headers=headers) for at, headers in addresses if at]
    return "\n".join(text(steady(answer.text, sandbox)) for answer in answers)


def noted_words(name: str) -> str:
    """The words of the page when the screenshot was taken."""
    [found] = re.findall("<metadata>(.*?)</metadata>", (FOLDER / f"{name}.svg").read_text(encoding="utf-8"), re.DOTALL)
    return html.unescape(found)


def taken(running: Any, sandbox: Sandbox, shot: Screenshot, scheme: str) -> bytes:
    """The screenshot as PNG, in the *scheme* ``light`` or ``dark``."""
    context = running.new_context(
        base_url=f"{sandbox.url}/console/",
        color_scheme=scheme,
        viewport={"width": shot.width, "height": shot.height or 300},  # a page is at least as high as its window
        device_scale_factor=FINE * WIDTH / shot.width,
    )
    page = context.new_page()
    page.route(lambda url: "/static/" not in url and "/changes" not in url, lambda route: answer(route, sandbox))
    page.goto(shot.address)
    if shot.act:
        shot.act(page)
    picture = page.screenshot(full_page=shot.height is None, animations="disabled", caret="hide")
    context.close()
    return bytes(picture)


def answer(route: Any, sandbox: Sandbox) -> None:
    """Let the browser have the sandbox's page as `steady` makes it."""
    response = route.fetch(max_redirects=0)
    route.fulfill(response=response, body=steady(response.text(), sandbox))


def svg(shot: Screenshot, shown: str, day: bytes, night: bytes) -> str:
    """The picture with both schemes."""
    from PIL import Image

    _, high = Image.open(io.BytesIO(day)).size
    height = round(high / FINE)
    return SVG.format(
        width=WIDTH,
        height=height,
        inner_width=WIDTH - 1,
        inner_height=height - 1,
        title=html.escape(shot.title),
        description=html.escape(shot.description),
        words=html.escape(shown, quote=False),
        day=small(day),
        night=small(night),
    )


def small(png: bytes) -> str:
    """*png* in a few colors as WebP, without further loss, in a data: URI."""
    from PIL import Image  # matplotlib needs it, too

    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE)
    written = io.BytesIO()
    few.convert("RGB").save(written, "WEBP", lossless=True, quality=100, method=6)
    return f"data:image/webp;base64,{b64encode(written.getvalue()).decode()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
