"""What the notebooks draw: the same on every run, whatever docker's order, builder and client."""

import io
import math
import os
import re
import signal
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbval.plugin import carriagereturn_pat

from helpers import settings, show

RECORDED = Path(__file__).parent / "recorded"  # what the real docker printed, by builder and client
PICTURES = settings.PROJECT / "notebooks" / "img"


def left_on_screen(lines, build_args=None) -> str:
    """What nbval compares: the text without what a carriage return took back."""
    return carriagereturn_pat.sub("", "".join(show.paint(show.steady(lines, build_args))))


def recorded(name: str, build_args=None) -> str:
    with open(RECORDED / f"{name}.txt", "rb") as file:
        return left_on_screen(show._lines(file), build_args)


def without_ids(text: str) -> str:
    text = re.sub(r"sha256:[0-9a-f]+", "sha256:ID", text)
    return re.sub(r"named   .*", "named   NAME", text)


# ── builds ──────────────────────────────────────────────────────────────────────────────────────────────────

BUILD = """\
base    FROM public.ecr.aws/docker/library/python:3.11-slim-bookworm
{how:7} WORKDIR /app
{how:7} COPY requirements.txt .
{how:7} RUN pip install --no-cache-dir --no-compile -r requirements.txt
{how:7} COPY . .
image   sha256:ID
named   NAME
"""


@pytest.mark.parametrize("builder", ["classic-cli20", "classic-cli28", "buildkit"])
def test_a_build_reads_the_same_by_every_builder_and_client(builder):
    assert without_ids(recorded(f"build-{builder}")) == BUILD.format(how="built")


@pytest.mark.parametrize("builder", ["classic-cached-cli20", "classic-cached-cli28", "buildkit-cached"])
def test_a_repeated_build_says_what_it_took_from_the_cache(builder):
    assert without_ids(recorded(f"build-{builder}")) == BUILD.format(how="cached")


def test_the_image_has_the_same_short_form_by_both_builders():
    assert "image   sha256:79b0def02480\nnamed   appside:1\n" in recorded("build-buildkit")
    assert re.search(r"^image   sha256:[0-9a-f]{12}\nnamed   appside:c20$", recorded("build-classic-cli20"), re.M)


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_a_base_image_given_by_argument_is_named_and_its_pull_is_not_listed(builder):
    cell = 'docker build --build-arg BASE_IMAGE="$WHERE/demo-app-repo-28:appside0" -t frompull:1 .'
    os.environ["WHERE"] = "localhost:45123"
    try:
        build_args = show._build_args(cell)
    finally:
        del os.environ["WHERE"]
    assert recorded(f"build-frompull-{builder}", build_args).startswith(
        "base    FROM localhost:45123/demo-app-repo-28:appside0\n"
        "built   WORKDIR /other\n"
        "built   RUN true && echo hello\n"
        "image   sha256:"
    )


def test_a_base_image_whose_argument_is_unknown_is_printed_as_written():
    lines = [
        "Step 1/2 : ARG BASE",
        "Step 2/2 : FROM ${BASE}",
        " ---> 3737328b5a6a",
        "Successfully built 3737328b5a6a",
    ]
    assert left_on_screen(lines) == "base    FROM ${BASE}\nimage   sha256:3737328b5a6a\n"


@pytest.mark.parametrize("builder", ["classic-cli20", "classic-cli28", "buildkit"])
def test_a_failed_run_step_shows_all_it_said_and_the_error_untouched(builder):
    text = recorded(f"build-fail-run-{builder}").splitlines()
    failed = text.index("failed  RUN echo first; echo second >&2; exit 3")
    assert sorted(text[failed + 1 : failed + 3]) == ["first", "second"]
    command = "echo first; echo second >&2; exit 3"
    assert text[failed + 3 :] == [
        f"executor failed running [/bin/sh -c {command}]: exit code: 3"
        if builder == "buildkit"
        else f"The command '/bin/sh -c {command}' returned a non-zero code: 3"
    ]


@pytest.mark.parametrize("builder", ["classic-cli20", "classic-cli28", "buildkit"])
def test_a_missing_file_fails_its_step_and_the_error_is_untouched(builder):
    error = (
        'failed to compute cache key: "/nofile.txt" not found: not found'
        if builder == "buildkit"
        else "COPY failed: file not found in build context or excluded by .dockerignore: "
        "stat nofile.txt: file does not exist"
    )
    assert recorded(f"build-fail-copy-{builder}").splitlines() == [
        "base    FROM localhost:45123/docker/library/python:3.11-slim-bookworm",
        "failed  COPY nofile.txt .",
        error,
    ]


# As buildx of today prints it with the containerd image store (written down, not recorded: no buildx here).
BUILDX = """\
#0 building with "desktop-linux" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 1.71kB done
#1 DONE 0.0s

#2 [1/3] FROM docker.io/library/python:3.11@sha256:{id}
#2 resolve docker.io/library/python:3.11@sha256:{id} done
#2 CACHED

#3 [2/3] WORKDIR /app
#3 CACHED

#4 [3/3] RUN false
#4 0.123 said before it failed
""".format(id="a" * 64)


def test_buildx_success_is_told_alike():
    lines = BUILDX + "\n".join(
        [
            "#4 DONE 0.2s",
            "",
            "#5 exporting to image",
            "#5 exporting layers 0.1s done",
            f"#5 exporting manifest sha256:{'1' * 64} done",
            f"#5 exporting attestation manifest sha256:{'2' * 64} done",
            f"#5 exporting manifest list sha256:{'3' * 64} done",
            "#5 naming to docker.io/library/demo-app-repo:latest done",
            "#5 unpacking to docker.io/library/demo-app-repo:latest 0.0s done",
            "#5 DONE 0.2s",
            "",
            "View build details: docker-desktop://dashboard/build/desktop-linux/desktop-linux/abc",
        ]
    )
    assert left_on_screen(lines.splitlines()) == (
        "base    FROM python:3.11\ncached  WORKDIR /app\nbuilt   RUN false\n"
        "image   sha256:333333333333\nnamed   demo-app-repo:latest\n"
    )


def test_buildx_failure_keeps_its_explanation():
    said = [
        "Dockerfile:3",
        "--------------------",
        "   3 | >>> RUN false",
        "--------------------",
        'ERROR: failed to build: process "/bin/sh -c false" did not complete successfully: exit code: 1',
    ]
    lines = [
        *BUILDX.splitlines(),
        '#4 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1',
        "------",
        " > [3/3] RUN false:",
        "0.123 said before it failed",
        "------",
        *said,
    ]
    assert left_on_screen(lines).splitlines() == [
        "base    FROM python:3.11",
        "cached  WORKDIR /app",
        "failed  RUN false",
        "said before it failed",
        *said,
    ]


def test_a_client_ended_in_the_middle_hides_nothing():
    lines = ["Step 1/1 : RUN make", " ---> Running in 0123456789ab", "half of the work", "unexpected EOF"]
    assert left_on_screen(lines) == "half of the work\nunexpected EOF\n"
    lines = ["#1 [1/1] RUN make", "#1 ERROR: context canceled"]
    assert left_on_screen(lines) == "failed  RUN make\n#1 ERROR: context canceled\n"


def test_two_builds_in_one_cell_follow_each_other():
    one = (RECORDED / "build-buildkit.txt").read_text().splitlines()
    assert left_on_screen(one + one) == 2 * left_on_screen(one)
    one = (RECORDED / "build-classic-cli28.txt").read_text().splitlines()
    assert left_on_screen([*one, "next", *one]) == left_on_screen(one) + "next\n" + left_on_screen(one)


# ── pushes and pulls ────────────────────────────────────────────────────────────────────────────────────────


def test_a_push_lists_its_layers_in_order():
    assert recorded("push-mounted-cli28").splitlines()[:-1] == [
        "The push refers to repository [localhost:45123/demo-app-repo-28]",
        "b1d105de5338: Pushed",
        "a4d56b8125c6: Pushed",
        "b9f101d849ba: Pushed",
        "f73a5fdf6878: Pushed",
        "0b64decb79f1: Mounted from docker/library/python",
    ]
    existing = [recorded(f"push-existing-cli{client}").replace(f"-{client}]", "]") for client in (20, 28)]
    assert existing[0] == existing[1]
    assert existing[0].count(": Layer already exists\n") == 5


def test_a_refused_push_shows_the_error_and_no_layer():
    assert recorded("push-refused") == (
        "The push refers to repository [localhost:45124/x]\nno basic auth credentials\n"
    )


def test_a_pull_lists_its_layers_in_order():
    assert recorded("pull-cli20") == recorded("pull-cli28")
    assert recorded("pull-cli20").splitlines()[:4] == [
        "appside0: Pulling from demo-app-repo-28",
        "9d489378a63d: Already exists",
        "720f0166ef1e: Pull complete",
        "a4044f97df7b: Pull complete",
    ]


def life(first: str, *ends: str):
    """The lines that one layer may bring, in their order."""
    going = ["Waiting", "Retrying in 5 seconds", "Verifying Checksum", "Download complete"]
    middle = st.lists(st.sampled_from(going), max_size=3)
    return st.builds(lambda m, end: [first, *m, end], middle, st.sampled_from(ends))


PUSHED = life("Preparing", "Pushed", "Layer already exists", "Mounted from docker/library/python")
PULLED = st.one_of(life("Pulling fs layer", "Pull complete"), st.just(["Already exists"]))


@given(
    st.data(),
    st.sampled_from([("The push refers to repository [x]", PUSHED), ("v1: Pulling from x", PULLED)]),
)
def test_any_interleaving_of_the_layers_leaves_the_same_text(data, kind):
    header, lives = kind
    layers = {f"{n:012x}": life for n, life in enumerate(data.draw(st.lists(lives, min_size=1, max_size=6)))}
    left = {name: list(life) for name, life in layers.items()}
    lines = [header]
    while any(left.values()):
        # docker mentions the layers in the image's order for the first time; after that, anything goes
        fresh = [name for name in left if left[name] and len(left[name]) == len(layers[name])]
        begun = [name for name in left if left[name] and name not in fresh]
        name = data.draw(st.sampled_from(begun + fresh[:1]))
        lines.append(f"{name}: {left[name].pop(0)}")
    lines.append("Digest: sha256:" + "0" * 64)
    expected = [header, *(f"{name}: {life[-1]}" for name, life in layers.items()), lines[-1]]
    assert left_on_screen(lines).splitlines() == expected


def test_a_layer_is_printed_as_soon_as_those_before_it_are_finished():
    lines = [
        "aaaaaaaaaaaa: Preparing",
        "bbbbbbbbbbbb: Preparing",
        "bbbbbbbbbbbb: Pushed",
        "aaaaaaaaaaaa: Pushed",
    ]
    assert list(show.steady(lines)) == [
        "… 0 of 1 layers finished\r",
        "… 0 of 2 layers finished\r",
        "… 1 of 2 layers finished\r",
        "aaaaaaaaaaaa: Pushed",
        "bbbbbbbbbbbb: Pushed",
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"])).map(" {}".format)))
def test_any_other_line_passes_untouched(lines):
    assert list(show.steady(lines)) == lines


# ── %%live ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_live_prints_both_streams_in_order_and_the_failure(capsys):
    show.live("", "echo one; echo two >&2; echo three; exit 3")
    assert capsys.readouterr() == ("one\ntwo\nthree\n(exit status 3)\n", "")


def test_live_is_bash(capsys):
    show.live("", 'words=(a b)\nfor w in "${words[@]}"; do printf "%s\\n" "$w"; done\nprintf unfinished')
    assert capsys.readouterr().out == "a\nb\nunfinished\n"


def test_live_shows_what_a_program_left_on_its_line(capsys):
    show.live("", r"printf '10%%\r100%%\r\r\n'; printf 'bad \xff byte\n'")
    assert capsys.readouterr().out == "100%\nbad � byte\n"


def test_live_prints_a_line_before_the_next_one_exists(tmp_path, monkeypatch):
    seen = tmp_path / "seen"

    class Screen(io.StringIO):
        def write(self, text):
            if "one" in text:
                seen.touch()
            return super().write(text)

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    show.live("", f"echo one; for i in $(seq 200); do [ -e '{seen}' ] && echo two && exit; sleep 0.05; done; exit 1")
    assert screen.getvalue() == "one\ntwo\n"


def test_an_interrupted_cell_leaves_nothing_running(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "print", lambda text, **_: os.kill(os.getpid(), signal.SIGALRM), raising=False)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            show.live("", f"echo $$ > {tmp_path}/pid; echo ready; sleep 60; echo never")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_live_takes_no_options():
    with pytest.raises(ValueError, match="takes no options"):
        show.live("--check", "true")


def test_the_magic_is_registered_as_live():
    class Shell:
        def register_magic_function(self, function, kind, name):
            self.known = (function, kind, name)

    shell = Shell()
    show.register_magics(shell)
    assert shell.known == (show.live, "cell", "live")


# ── tables, sizes, pictures ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (54_240_000, "54.2 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (52_000_000_000, "52.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_size(n_bytes, text):
    assert show.size(n_bytes) == text


def test_table_aligns_and_puts_numbers_on_the_right(capsys):
    show.table([{"tag": "v1", "bytes": 5}, {"tag": "latest", "bytes": 1234, "unused": 1}], ["tag", "bytes"])
    show.table([("a", None)], ["first", "second"])
    assert capsys.readouterr().out.splitlines() == [
        "tag     bytes",
        "──────  ─────",
        "v1          5",
        "latest   1234",
        "first  second",
        "─────  ──────",
        "a",
    ]


def test_an_empty_table_is_its_heading(capsys):
    show.table([], ["tag", "digest"])
    assert capsys.readouterr().out == "tag  digest\n───  ──────\n"


def test_the_pictures_in_the_repository_are_the_ones_that_are_drawn_now(tmp_path):
    for picture in show.write_pictures(tmp_path):
        assert (PICTURES / picture.name).read_text(encoding="utf-8") == picture.read_text(encoding="utf-8"), (
            f"{picture.name} is not current: run helpers.show.write_pictures on notebooks/img"
        )


def test_a_lit_picture_says_where_you_are_in_words_and_in_its_description():
    assert "you are here" not in show.way()
    lit = show.way("08")
    assert lit.count("▲ you are here") == 1
    assert "Push (you are here)" in lit
    with pytest.raises(ValueError, match="no picture for step '99'"):
        show.way("99")


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_every_picture_is_small_accessible_and_self_contained(picture):
    source = picture.read_text(encoding="utf-8")
    root = ElementTree.fromstring(source)
    assert len(source.encode()) < 15_000
    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{part}").get("id") for part in ("title", "desc")] == root.get("aria-labelledby").split()
    assert len(root.findtext(f"{SVG}title")) > 10
    assert len(root.findtext(f"{SVG}desc")) > 40
    assert not re.search(r"<script|href|url\(|@import|@font-face|<image|foreignObject", source)


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_no_text_leaves_its_box(picture):
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    sizes = dict(re.findall(r"\.([a-z]+)\{[^}]*?font-size:(\d+)px", root.findtext(f"{SVG}style")))
    wide = {"m": 0.61, "t": 0.64}  # of its size is a letter, about, in DejaVu Sans, which is a wide font
    boxes = [[float(r.get(side)) for side in ("x", "y", "width", "height")] for r in root.iter(f"{SVG}rect")]
    for text in root.iter(f"{SVG}text"):
        kind = text.get("class")
        x, y, said = float(text.get("x")), float(text.get("y")), "".join(text.itertext())
        width = len(said) * int(sizes[kind]) * wide.get(kind, 0.56)
        left = x - {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
        around = [b for b in boxes if b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]]
        inner = min(around, key=lambda box: box[2] * box[3])
        assert inner[0] - 4 <= left, said
        assert left + width <= inner[0] + inner[2] + 4, said


def fills(root) -> dict[str, str]:
    """The fill that each class of a picture's style gives, and that of text."""
    return dict(re.findall(r"\.?([a-z]+)\{[^}]*?fill:(#[0-9a-f]{3,6}|none)\b", root.findtext(f"{SVG}style")))


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance" (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def below(root) -> list[tuple[str, str, str]]:
    """``(words, colour, colour of what they stand on)`` of each text of a picture."""
    known, boxes, found = fills(root), [], []
    for shape in root.iter():
        if shape.tag in (f"{SVG}rect", f"{SVG}circle"):
            boxes.append(shape)
        elif shape.tag == f"{SVG}text":
            x, y = float(shape.get("x")), float(shape.get("y"))
            under = [box for box in boxes if contains(box, x, y) and known.get(box.get("class"), "none") != "none"]
            colour = known.get(shape.get("class"), known["text"])
            found.append(("".join(shape.itertext()), colour, known[under[-1].get("class")]))
    return found


def contains(box, x: float, y: float) -> bool:
    if box.tag == f"{SVG}circle":
        middle = (float(box.get("cx")), float(box.get("cy")))
        return math.dist(middle, (x, y)) <= float(box.get("r"))
    left, top, width, height = (float(box.get(side)) for side in ("x", "y", "width", "height"))
    return left <= x <= left + width and top <= y <= top + height


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_it_is_readable_on_a_dark_page_too(picture):
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    card, (_, _, width, height) = root.find(f"{SVG}rect"), map(float, root.get("viewBox").split())
    assert fills(root)[card.get("class")] == "#fff"  # it brings its own page
    assert float(card.get("width")) >= width - 1 and float(card.get("height")) >= height - 1
    for words, colour, ground in below(root):
        assert contrast(colour, ground) >= 4.5, words  # WCAG 2.2, 1.4.3


def test_contrast_is_measured_as_wcag_does():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#9a4a00", "#fff") == contrast("#fff", "#9a4a00")
