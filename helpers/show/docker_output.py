"""Docker's progress output, made the same on every run and by every builder.

A *piece* is one finished line without its line end. A piece that ends in a carriage return is temporary: it shows
what happens now, and the next piece replaces it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

WIDTH = 100  # a temporary line is cut here, so that it never wraps

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LAYER = re.compile(r"([0-9a-f]{12}): (.+)")
_LAYER_IN_PROGRESS = re.compile(
    r"(Preparing|Waiting|Pushing|Pulling fs layer|Downloading|Verifying Checksum|Download complete|Extracting"
    r"|Buffering to Disk|Retrying in \d+ seconds?)$"
)
_LAYER_FINISHED = re.compile(
    r"(Pushed|Layer already exists|Mounted from .+|Pull complete|Already exists|Skipped foreign layer)$"
)
_RANKS = ("Already exists", "Pull complete", "Pushed", "Mounted from", "Layer already exists")
_TRANSFER_STARTS = re.compile(r"The push refers to repository \[|\S+: Pulling from ")
_TRANSFER_ENDS = re.compile(r"\S+: digest: sha256:|Digest: sha256:")

_SHOWN = ("FROM", "WORKDIR", "RUN", "COPY", "ADD")  # the instructions that make a step in both builders
_CLASSIC_STEP = re.compile(r"Step \d+/\d+ : (.*)")
_CLASSIC_FAILED = re.compile(r"The command '.*' returned a non-zero code: \d+$")
_BUILDKIT = re.compile(r"#(\d+) (.*)")
_BUILDKIT_STARTS = re.compile(r"#\d+ (\[|building with |exporting to |importing to |resolving provenance)")
_BUILDKIT_STEP = re.compile(r"\[(?:(?P<stage>[^\]\s]+) )?(?P<number>\d+)/(?P<total>\d+)\] (?P<text>.+)")
_BUILDKIT_IMAGE = re.compile(r"(?:writing image|exporting manifest(?: list)?) (sha256:[0-9a-f]{12})")
_BUILDKIT_NAME = re.compile(r"naming to (\S+)")


def steady(lines: Iterable[str], build_args: Mapping[str, str] | None = None) -> Iterator[str]:
    """The lines that docker prints without a terminal, as pieces that are the same on every run and for every builder.

    A push or pull gives one line per layer, sorted by what happened to it. A build gives one line per step
    (``base``, ``built``, ``cached`` or ``failed``, then the instruction), ``image`` and ``named``; the output of a
    RUN step appears only when the step fails. Every other line, errors above all, is kept unchanged.
    """
    return _steady_layers(_steady_builds(_without_notices(lines), dict(build_args or {})))


def _without_notices(lines: Iterable[str]) -> Iterator[str]:
    """Without the four lines that newer clients print before a classic build, and Docker Desktop's link."""
    lines = iter(lines)
    for line in lines:
        if line.startswith("View build details: docker-desktop:"):
            continue
        if not line.startswith("DEPRECATED: The legacy builder is deprecated"):
            yield line
            continue
        for rest in lines:
            if rest and not rest.startswith("      "):
                yield rest
            if not rest.startswith("      "):
                break


def _steady_layers(lines: Iterable[str]) -> Iterator[str]:
    """One line per layer when all are finished; which were finished before an error varies, so it shows none then."""
    layers: dict[str, str] = {}  # in the order of first mention; "" while in progress
    pushes = False
    for line in lines:
        layer = _LAYER.match(line)
        if layer and _LAYER_IN_PROGRESS.match(layer[2]):
            layers.setdefault(layer[1], "")
        elif layer and _LAYER_FINISHED.match(layer[2]):
            # A push of the containerd image store has either word for a layer that the registry has.
            how = "Layer already exists" if pushes and layer[2] == "Already exists" else layer[2]
            layers[layer[1]] = layers.get(layer[1]) or how
        else:
            finished = all(layers.values()) or _TRANSFER_ENDS.match(line)
            if finished:  # the containerd image store does not always report the end of each layer
                end = "Pushed" if pushes else "Pull complete"
                yield from _by_what_happened({name: how or end for name, how in layers.items()})
            if finished or _TRANSFER_STARTS.match(line):
                layers = {}
            pushes = line.startswith("The push refers") or (pushes and not _TRANSFER_STARTS.match(line))
            yield line
            continue
        yield f"… {sum(map(bool, layers.values()))} of {len(layers)} layers finished\r"
    if all(layers.values()):
        yield from _by_what_happened(layers)


def _by_what_happened(layers: dict[str, str]) -> Iterator[str]:
    """One line per layer. The containerd image store has no fixed order, so equal words stand together."""
    yield from (f"{name}: {how}" for name, how in sorted(layers.items(), key=lambda layer: _rank(layer[1])))


def _rank(how: str) -> int:
    return next((rank for rank, start in enumerate(_RANKS) if how.startswith(start)), len(_RANKS))


def _steady_builds(lines: Iterable[str], build_args: dict[str, str]) -> Iterator[str]:
    lines = iter(lines)
    for line in lines:
        if line.startswith("Sending build context to Docker daemon"):
            yield _temporary("sending the build context")
        elif _CLASSIC_STEP.match(line):
            yield from _steady_classic(chain([line], lines), build_args)
        elif _BUILDKIT_STARTS.match(line):
            yield from _steady_buildkit(chain([line], lines))
        elif line.startswith("Successfully tagged "):
            yield _mark("named", _short_name(line.split()[-1]))
        else:
            yield line


def _steady_classic(lines: Iterator[str], build_args: dict[str, str]) -> Iterator[str]:
    """One build by the classic builder, up to its image or its failure."""
    step = how = ""
    output: list[str] = []
    values: dict[str, str] = {}  # of the ARGs before FROM
    for raw in lines:
        line = _ANSI.sub("", raw)
        begins = _CLASSIC_STEP.match(line)
        if step and (begins or line.startswith("Successfully built ")):
            yield from _step(how, step)
        if begins:
            step, how, output = begins[1], "built", []
            instruction, _, rest = step.partition(" ")
            if instruction.upper() == "ARG":
                name, _, default = rest.partition("=")
                values[name] = build_args.get(name, default)
            elif instruction.upper() == "FROM":
                step = re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1]) or found[0], step)
            yield _temporary(step)
        elif line.startswith("Successfully built "):
            yield _mark("image", f"sha256:{line.split()[-1]}")
            return
        elif line == " ---> Using cache":
            how = "cached"
        elif line.startswith((" ---> ", "Removing intermediate container ", "Removed intermediate container ")):
            continue
        elif step.upper().startswith("RUN "):
            if _CLASSIC_FAILED.match(line):
                yield from chain(_step("failed", step), output, [line])
                return
            output.append(line)
            yield _temporary(step, line)
        elif _is_pull(line):
            yield _temporary(step, line)
        elif line.startswith("[Warning]"):
            yield line
        elif line:
            yield from chain(_step("failed", step), [line])
            return
    yield from output  # the client was killed in the middle of a build: hide nothing


def _is_pull(line: str) -> bool:
    layer = _LAYER.match(line)
    return bool(
        (layer and (_LAYER_IN_PROGRESS.match(layer[2]) or _LAYER_FINISHED.match(layer[2])))
        or re.match(r"\S+: Pulling from |Digest: sha256:|Status: ", line)
    )


def _steady_buildkit(lines: Iterator[str]) -> Iterator[str]:
    """One build by BuildKit (its step numbers have no fixed order), up to another kind of line."""
    steps: dict[str, tuple[int, int, str]] = {}  # BuildKit's number -> stage, place in the stage, instruction
    stages: dict[str, int] = {}  # name -> how many steps it has
    how: dict[tuple[int, int], tuple[str, str]] = {}
    output: dict[str, list[str]] = {}
    printed: set[tuple[int, int]] = set()
    names: list[str] = []
    failed: list[str] = []  # BuildKit's numbers of the steps
    image = error = ""

    def finished(all_of_them: bool) -> Iterator[str]:
        for stage, total in enumerate(stages.values()):
            for place in range(1, total + 1):
                if (stage, place) in how and (stage, place) not in printed:
                    printed.add((stage, place))
                    yield from _step(*how[stage, place])
                elif (stage, place) not in how and not all_of_them:
                    return

    def ended() -> Iterator[str]:
        if error:  # a step that fails at once is reported before the base image is
            bases = {(at, place): text for at, place, text in steps.values() if text.upper().startswith("FROM ")}
            how.update({where: ("base", text) for where, text in bases.items()})
        yield from finished(True)
        for number in failed:
            yield from chain(_step("failed", steps[number][2]), output.get(number, []))

    for line in lines:
        numbered = _BUILDKIT.match(line)
        if not line:
            continue
        if line == "------":  # repeats the failed step, which was printed already
            for recap in lines:
                if recap == "------":
                    break
            continue
        if not numbered:
            yield from chain(ended(), [line])
            return
        number, text = numbered.groups()
        if names and text.startswith(("[internal] ", "building with ")):  # the next build of the same cell
            yield from _steady_buildkit(chain([line], lines))
            return
        if begins := _BUILDKIT_STEP.match(text):
            stage = begins["stage"] or ""
            stages.setdefault(stage, int(begins["total"]))
            steps[number] = (list(stages).index(stage), int(begins["number"]), begins["text"])
            yield _temporary(begins["text"])
        elif found := _BUILDKIT_IMAGE.match(text):
            image = found[1]
        elif found := _BUILDKIT_NAME.match(text):
            if image and not names:
                yield from chain(finished(True), [_mark("image", image)])
            if found[1] not in names:
                names.append(found[1])
                yield _mark("named", _with_tag(_short_name(found[1])))
        elif number in steps and (text == "CACHED" or text.startswith("DONE ")):
            stage, place, instruction = steps[number]
            how[stage, place] = ("cached" if text == "CACHED" else "built", instruction)
            yield from finished(False)
        elif text.startswith("ERROR: "):
            error = line
            failed += [number] if number in steps else []
        elif number in steps and (message := re.match(r"\d+\.\d+ ?(.*)", text)):
            output.setdefault(number, []).append(message[1])
            yield _temporary(steps[number][2], message[1])
        elif text.startswith("DONE ") and image and not names:
            names.append("")
            yield from chain(finished(True), [_mark("image", image)])
    yield from ended()
    if error:
        yield error


def _step(how: str, text: str) -> Iterator[str]:
    """The line of one build step, the same for both builders; no line for an instruction that makes no layer."""
    instruction, _, rest = " ".join(text.split()).partition(" ")
    instruction = instruction.upper()
    if instruction not in _SHOWN:
        return
    if instruction == "FROM":
        rest = re.sub(r"^--platform=\S+ | as \S+$", "", rest, flags=re.IGNORECASE)
        rest = _short_name(re.sub(r"(:[^/@]+)@sha256:[0-9a-f]{64}$", r"\1", rest))
        how = how if how == "failed" else "base"
    yield _mark(how, f"{instruction} {rest}")


def _mark(mark: str, text: str) -> str:
    return f"{mark:<7} {text}"


def _temporary(step: str, message: str = "") -> str:
    step, message = (" ".join(_ANSI.sub("", text).split()) for text in (step, message))
    return _mark("…", f"{step[:40]} │ {message}" if message else step)[:WIDTH] + "\r"


def _with_tag(name: str) -> str:
    """The name with Docker's default tag, which an older BuildKit does not print."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _short_name(name: str) -> str:
    return re.sub(r"^docker\.io/(library/)?", "", name)
