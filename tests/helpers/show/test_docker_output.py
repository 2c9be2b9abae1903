"""Docker's output is the same on every run, for every order of events, builder and client."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbval.plugin import carriagereturn_pat

from helpers import show
from helpers.show import live_cell

RECORDED = Path(__file__).parent / "recorded"  # what the real docker printed, by builder and client


def left_on_screen(lines, build_args=None) -> str:
    """What nbval compares: the text without what a carriage return erased."""
    return carriagereturn_pat.sub("", "".join(live_cell.paint(show.steady(lines, build_args))))


def recorded(name: str, build_args=None) -> str:
    with open(RECORDED / f"{name}.txt", "rb") as file:
        return left_on_screen(live_cell._lines(file), build_args)


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
def test_every_builder_and_client_gives_the_same_build_output(builder):
    assert without_ids(recorded(f"build-{builder}")) == BUILD.format(how="built")


@pytest.mark.parametrize("builder", ["classic-cached-cli20", "classic-cached-cli28", "buildkit-cached"])
def test_a_repeated_build_shows_cached_steps(builder):
    assert without_ids(recorded(f"build-{builder}")) == BUILD.format(how="cached")


def test_both_builders_show_the_same_short_image_id():
    assert "image   sha256:79b0def02480\nnamed   appside:1\n" in recorded("build-buildkit")
    assert re.search(r"^image   sha256:[0-9a-f]{12}\nnamed   appside:c20$", recorded("build-classic-cli20"), re.M)


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_a_base_image_given_by_argument_is_named_and_its_pull_is_not_listed(builder):
    cell = 'docker build --build-arg BASE_IMAGE="$WHERE/demo-app-repo-28:appside0" -t frompull:1 .'
    os.environ["WHERE"] = "localhost:45123"
    try:
        build_args = live_cell._build_args(cell)
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
def test_a_failed_run_step_shows_its_output_and_the_unchanged_error(builder):
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
def test_a_missing_file_shows_the_failed_step_and_the_unchanged_error(builder):
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


# The output of current buildx with the containerd image store (written by hand: buildx is not installed here).
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
#4 0.123 printed before it failed
""".format(id="a" * 64)


def test_a_successful_buildx_build_has_the_same_output():
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


def test_a_failed_buildx_build_keeps_the_explanation():
    explanation = [
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
        "0.123 printed before it failed",
        "------",
        *explanation,
    ]
    assert left_on_screen(lines).splitlines() == [
        "base    FROM python:3.11",
        "cached  WORKDIR /app",
        "failed  RUN false",
        "printed before it failed",
        *explanation,
    ]


def test_a_base_image_that_is_reported_after_the_error_comes_first():
    error = "#1 ERROR: failed to calculate checksum of ref abc::def: no such file"
    base = ["#2 [1/2] FROM docker.io/library/python:3.11", "#2 CANCELED"]
    lines = [
        "#1 [2/2] COPY a.txt /app/",
        error,
        *base,
        "------",
        " > [2/2] COPY a.txt /app/:",
        "------",
        "Dockerfile:2",
    ]
    assert left_on_screen(lines).splitlines() == [
        "base    FROM python:3.11",
        "failed  COPY a.txt /app/",
        "Dockerfile:2",
    ]


def test_the_output_of_a_killed_client_is_kept():
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


def layer_events(first: str, *ends: str):
    """The lines that docker prints for one layer, in order."""
    going = ["Waiting", "Retrying in 5 seconds", "Verifying Checksum", "Download complete"]
    middle = st.lists(st.sampled_from(going), max_size=3)
    return st.builds(lambda m, end: [first, *m, end], middle, st.sampled_from(ends))


WORDS = ("Already exists", "Pull complete", "Pushed", "Mounted from docker/library/python", "Layer already exists")
PUSHED = layer_events("Preparing", "Pushed", "Layer already exists", "Mounted from docker/library/python")
PULLED = st.one_of(layer_events("Pulling fs layer", "Pull complete"), st.just(["Already exists"]))


@given(
    st.data(),
    st.sampled_from([("The push refers to repository [x]", PUSHED), ("v1: Pulling from x", PULLED)]),
)
def test_any_order_of_layer_events_gives_the_same_output(data, kind):
    header, lives = kind
    layers = {f"{n:012x}": life for n, life in enumerate(data.draw(st.lists(lives, min_size=1, max_size=6)))}
    left = {name: list(life) for name, life in layers.items()}
    lines = [header]
    while any(left.values()):
        # docker first lists the layers in the image's order; after that, events come in any order
        fresh = [name for name in left if left[name] and len(left[name]) == len(layers[name])]
        begun = [name for name in left if left[name] and name not in fresh]
        name = data.draw(st.sampled_from(begun + fresh[:1]))
        lines.append(f"{name}: {left[name].pop(0)}")
    lines.append("Digest: sha256:" + "0" * 64)
    ends = [(name, life[-1]) for name, life in layers.items()]
    expected = [f"{name}: {end}" for word in WORDS for name, end in ends if end == word]
    assert left_on_screen(lines).splitlines() == [header, *expected, lines[-1]]


def test_the_progress_counts_the_finished_layers():
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
        "… 2 of 2 layers finished\r",
        "aaaaaaaaaaaa: Pushed",
        "bbbbbbbbbbbb: Pushed",
    ]


# What docker 28.5 with the containerd image store printed: its order is another one on every run.
CONTAINERD = """\
The push refers to repository [localhost:5150/demo-app-repo]
06d209ea9377: Waiting
120ec312057c: Layer already exists
1a1eb17d0a16: Already exists
06d209ea9377: Pushed
1da6806d3bf2: Mounted from docker/library/python
two: digest: sha256:ae94c084601dcefd7889d7b3c898b96da632e31102c6778a719d72112c293960 size: 856""".splitlines()


@given(st.permutations(CONTAINERD[2:6]))
def test_the_order_of_the_containerd_store_does_not_matter(events):
    layers = re.sub("[0-9a-f]{12}: ", "", left_on_screen([*CONTAINERD[:2], *events, CONTAINERD[6]])).splitlines()
    already = "Layer already exists"
    assert layers[1:5] == ["Pushed", "Mounted from docker/library/python", already, already]


@pytest.mark.parametrize(
    ("start", "going", "end", "how"),
    [
        ("v1: Pulling from x", "Download complete", f"Digest: sha256:{'0' * 64}", "Pull complete"),
        ("The push refers to repository [x]", "Waiting", f"v1: digest: sha256:{'0' * 64} size: 856", "Pushed"),
    ],
)
def test_a_layer_whose_end_is_not_reported_is_finished_with_the_image(start, going, end, how):
    layers = ["aaaaaaaaaaaa: " + going, "bbbbbbbbbbbb: " + how]
    assert left_on_screen([start, *layers, end]).splitlines()[1:3] == [f"aaaaaaaaaaaa: {how}", f"bbbbbbbbbbbb: {how}"]


def test_layers_that_happened_to_be_finished_before_an_error_are_not_shown():
    refused = "denied: User: x is not authorized to perform: ecr:CompleteLayerUpload"
    assert left_on_screen([*CONTAINERD[:4], refused]).splitlines() == [CONTAINERD[0], refused]
    assert left_on_screen([CONTAINERD[0], CONTAINERD[2], refused]).splitlines()[1:] == [CONTAINERD[2], refused]
    again = left_on_screen([*CONTAINERD[:4], refused, CONTAINERD[0], CONTAINERD[2], CONTAINERD[6]])
    assert again.splitlines()[2:] == [CONTAINERD[0], CONTAINERD[2], CONTAINERD[6]]


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"])).map(" {}".format)))
def test_any_other_line_is_unchanged(lines):
    assert list(show.steady(lines)) == lines
