"""What the notebooks draw: live output, tables, sizes, and the way an image takes.

Nothing that teaches hides in here: a ``%%live`` cell holds the real commands and runs them unchanged;
only docker's progress, which comes in another order on every run, is put in order.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

# ── live output ─────────────────────────────────────────────────────────────────────────────────────────────
# A *piece* is one finished line without its line end, or, when it ends in "\r", a passing one:
# it says what goes on at the moment and the next piece takes its place.

WIDTH = 100  # a passing line is cut here, so that it never wraps

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LAYER = re.compile(r"([0-9a-f]{12}): (.+)")
_LAYER_GOING = re.compile(
    r"(Preparing|Waiting|Pushing|Pulling fs layer|Downloading|Verifying Checksum|Download complete|Extracting"
    r"|Buffering to Disk|Retrying in \d+ seconds?)$"
)
_LAYER_FINISHED = re.compile(
    r"(Pushed|Layer already exists|Mounted from .+|Pull complete|Already exists|Skipped foreign layer)$"
)
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


def register_magics(ipython) -> None:
    """Teach IPython the cell magic ``%%live``."""
    ipython.register_magic_function(live, "cell", "live")


def live(line: str, cell: str) -> None:
    """Run a cell with bash, as ``%%bash`` does, and print what the commands say while they run.

    Standard output and standard error come in one stream; docker's progress is steady (see ``steady``).
    A failing cell does not raise: it ends in the line ``(exit status N)``.
    """
    if line.strip():
        raise ValueError("%%live takes no options: put the commands on the lines below it.")
    shell = subprocess.Popen(
        ["bash", "-c", cell],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that interrupting the cell ends everything it started
    )
    assert shell.stdout  # a pipe was asked for
    try:
        # Everything goes through print: what a child writes to an inherited stream is lost under nbval.
        pieces = chain(steady(_lines(shell.stdout), _build_args(cell)), _exit_status(shell))
        for text in paint(pieces):
            print(text, end="", flush=True)
    except BaseException:
        _end(shell)
        raise
    finally:
        shell.stdout.close()


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    for line in stream:
        yield line.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]


def _exit_status(shell: subprocess.Popen) -> Iterator[str]:
    if status := shell.wait():
        yield f"(exit status {status})"


def _end(shell: subprocess.Popen) -> None:
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(shell.pid, sign)
            shell.wait(timeout=5)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _build_args(cell: str) -> dict[str, str]:
    """The build arguments a cell gives: the classic builder prints a FROM line without filling them in."""
    given = re.findall(r"""--build-arg[ =]["']?(\w+)=["']?([^\s"']+)""", cell)
    return {name: os.path.expandvars(value) for name, value in given}


def paint(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces as text for a screen: each passing line is wiped out by what comes after it.

    What is left when the text before each line's last carriage return is dropped (as a screen and nbval do)
    are the finished lines alone, however many passing ones there were.
    """
    passing = 0
    for piece in pieces:
        wipe = f"\r{' ' * passing}\r" if passing else ""
        text = piece.rstrip("\r")
        passing = len(text) if piece.endswith("\r") else 0
        yield wipe + text + ("" if passing else "\n")
    if passing:
        yield f"\r{' ' * passing}\r"


def steady(lines: Iterable[str], build_args: Mapping[str, str] | None = None) -> Iterator[str]:
    """What docker prints on no terminal, made the same on every run and by every builder, as pieces.

    A push or pull gives one line per finished layer, in the image's order. A build gives one line per step
    (``base``, ``built``, ``cached`` or ``failed``, then the instruction), ``image`` and ``named``; a RUN
    step's own output is shown only when it fails. Every other line, errors above all, passes as it is.
    """
    return _steady_layers(_steady_builds(_without_notices(lines), dict(build_args or {})))


def _without_notices(lines: Iterable[str]) -> Iterator[str]:
    """Without the four lines that newer clients put before a classic build, and Docker Desktop's link."""
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
    layers: dict[str, str] = {}  # in the order of first mention, which is the image's; "" while going on
    printed = 0
    for line in lines:
        layer = _LAYER.match(line)
        if layer and _LAYER_GOING.match(layer[2]):
            layers.setdefault(layer[1], "")
        elif layer and _LAYER_FINISHED.match(layer[2]):
            layers[layer[1]] = layers.get(layer[1]) or layer[2]
        else:
            if _TRANSFER_ENDS.match(line):
                yield from (f"{name}: {how}" for name, how in list(layers.items())[printed:] if how)
            if _TRANSFER_ENDS.match(line) or _TRANSFER_STARTS.match(line):
                layers, printed = {}, 0
            yield line
            continue
        for name, how in list(layers.items())[printed:]:
            if not how:
                break
            yield f"{name}: {how}"
            printed += 1
        if printed < len(layers):
            finished = sum(map(bool, layers.values()))
            yield f"… {finished} of {len(layers)} layers finished\r"


def _steady_builds(lines: Iterable[str], build_args: dict[str, str]) -> Iterator[str]:
    lines = iter(lines)
    for line in lines:
        if line.startswith("Sending build context to Docker daemon"):
            yield _passing("sending the build context")
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
            yield _passing(step)
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
            yield _passing(step, line)
        elif _is_pull(line):
            yield _passing(step, line)
        elif line.startswith("[Warning]"):
            yield line
        elif line:
            yield from chain(_step("failed", step), [line])
            return
    yield from output  # the client itself was ended in the middle: hide nothing


def _is_pull(line: str) -> bool:
    layer = _LAYER.match(line)
    return bool(
        (layer and (_LAYER_GOING.match(layer[2]) or _LAYER_FINISHED.match(layer[2])))
        or re.match(r"\S+: Pulling from |Digest: sha256:|Status: ", line)
    )


def _steady_buildkit(lines: Iterator[str]) -> Iterator[str]:
    """One build by BuildKit (it numbers what it does, in no fixed order), up to another kind of line."""
    steps: dict[str, tuple[int, int, str]] = {}  # BuildKit's number -> stage, place in the stage, instruction
    stages: dict[str, int] = {}  # name -> how many steps it has
    how: dict[tuple[int, int], tuple[str, str]] = {}
    output: dict[str, list[str]] = {}
    printed: set[tuple[int, int]] = set()
    names: list[str] = []
    image = error = ""

    def finished(all_of_them: bool) -> Iterator[str]:
        for stage, total in enumerate(stages.values()):
            for place in range(1, total + 1):
                if (stage, place) in how and (stage, place) not in printed:
                    printed.add((stage, place))
                    yield from _step(*how[stage, place])
                elif (stage, place) not in how and not all_of_them:
                    return

    for line in lines:
        numbered = _BUILDKIT.match(line)
        if not line:
            continue
        if line == "------":  # a recap of the failed step, which was shown already
            for recap in lines:
                if recap == "------":
                    break
            continue
        if not numbered:
            yield from chain(finished(True), [line])
            return
        number, text = numbered.groups()
        if names and text.startswith(("[internal] ", "building with ")):  # the next build of the same cell
            yield from _steady_buildkit(chain([line], lines))
            return
        if begins := _BUILDKIT_STEP.match(text):
            stage = begins["stage"] or ""
            stages.setdefault(stage, int(begins["total"]))
            steps[number] = (list(stages).index(stage), int(begins["number"]), begins["text"])
            yield _passing(begins["text"])
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
            yield from finished(True)
            if number in steps:
                yield from chain(_step("failed", steps[number][2]), output.get(number, []))
        elif number in steps and (said := re.match(r"\d+\.\d+ ?(.*)", text)):
            output.setdefault(number, []).append(said[1])
            yield _passing(steps[number][2], said[1])
        elif text.startswith("DONE ") and image and not names:
            names.append("")
            yield from chain(finished(True), [_mark("image", image)])
    yield from finished(True)
    if error:
        yield error


def _step(how: str, text: str) -> Iterator[str]:
    """The line of one build step, the same whichever builder made it; none where no layer is made."""
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


def _passing(step: str, said: str = "") -> str:
    step, said = (" ".join(_ANSI.sub("", text).split()) for text in (step, said))
    return _mark("…", f"{step[:40]} │ {said}" if said else step)[:WIDTH] + "\r"


def _with_tag(name: str) -> str:
    """The name with the tag that Docker takes when none is given: an older BuildKit does not print it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _short_name(name: str) -> str:
    return re.sub(r"^docker\.io/(library/)?", "", name)


# ── tables and sizes ────────────────────────────────────────────────────────────────────────────────────────


def size(n_bytes: int) -> str:
    """A size for people, in powers of 1,000 as the ECR console counts: ``size(54_200_000) == "54.2 MB"``."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    units = ["kB", "MB", "GB", "TB"]
    amount = n_bytes / 1000
    while round(amount, 1) >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.1f} {units[0]}"


def table(rows: Iterable[Mapping[str, object] | Sequence[object]], columns: Sequence[str]) -> None:
    """Print rows under their column names, aligned, as plain text; numbers stand on the right.

    A row is a sequence, or a mapping of which the columns are picked (a missing one stays empty).
    """
    cells = [[row.get(c, "") for c in columns] if isinstance(row, Mapping) else list(row) for row in rows]
    texts = [list(columns)] + [["" if cell is None else str(cell) for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [
        bool(cells) and all(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in cells)
        for i in range(len(columns))
    ]
    texts.insert(1, ["─" * width for width in widths])
    for row in texts:
        aligned = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True)]
        print("  ".join(aligned).rstrip())


# ── the way an image takes ──────────────────────────────────────────────────────────────────────────────────

_STATIONS = (  # row by row; the second row runs from right to left
    (
        ("source", "Source", "app, Dockerfile", "06"),
        ("build", "Build", "docker build", "06"),
        ("image", "Local image", "layers, manifest", "06"),
        ("tag", "Tag", "docker tag", "07"),
    ),
    (
        ("login", "Log in", "12-hour token", "05"),
        ("push", "Push", "docker push", "08"),
        ("repository", "ECR repository", "demo-app-repo", "04"),
        ("care", "Look after", "scan, tags, lifecycle", "10–12"),
    ),
    (
        ("pull", "Pull", "docker pull", "09"),
        ("run", "Run", "Fargate, EKS, Lambda", "13"),
        ("clean", "Clean up", "nothing left behind", "14"),
    ),
)
_ROWS = ("On your machine", "Amazon ECR", "Where it runs")
_HERE = {  # notebook -> station; 00 and 15 begin at the beginning, 01 to 03 look at a repository
    "00": "source",
    "01": "repository",
    "02": "repository",
    "03": "repository",
    "04": "repository",
    "05": "login",
    "06": "build",
    "07": "tag",
    "08": "push",
    "09": "pull",
    "10": "care",
    "11": "care",
    "12": "care",
    "13": "run",
    "14": "clean",
    "15": "source",
}
_BOX_W, _BOX_H, _GAP_X, _GAP_Y, _LEFT, _TOP = 168, 76, 32, 60, 24, 50
_STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;fill:#16202a}"
    ".card{fill:#fff;stroke:#8a97a3}.box{fill:#f1f5f8;stroke:#5a6874;stroke-width:1.5}"
    ".lit{fill:#ffedd9;stroke:#9a4a00;stroke-width:5}.t{font-size:16px;font-weight:600}"
    ".s{font-size:13px}.n{font-size:12px;fill:#44515d}.row{font-size:13px;font-weight:600;fill:#44515d}"
    ".a{stroke:#44515d;stroke-width:2;fill:none}.h{fill:#44515d}.pill{fill:#9a4a00}"
    ".you{font-size:12px;font-weight:700;fill:#fff}"
)


def way(step: str = "") -> str:
    """The way an image takes, as SVG; a notebook's number (``"08"``) lights the station where one is.

    ValueError for a number that has no picture.
    """
    if step and step not in _HERE:
        raise ValueError(f"there is no picture for step {step!r}: choose one of {', '.join(_HERE)}")
    here = _HERE.get(step, "")
    body, told = [], []
    for row, stations in enumerate(_STATIONS):
        top = _TOP + row * (_BOX_H + _GAP_Y)
        aside = _BOX_W // 2 + 16 if row == 2 else 0  # beside the arrow that comes down there
        body.append(f'<text class="row" x="{_LEFT + aside}" y="{top - 16}">{_ROWS[row]}</text>')
        for place, (name, title, says, notebook) in enumerate(stations):
            left = _LEFT + (3 - place if row == 1 else place) * (_BOX_W + _GAP_X)
            body += _station(left, top, title, says, notebook, lit=name == here)
            told.append(title + (" (you are here)" if name == here else ""))
            if place:
                body.append(
                    _arrow(left + _BOX_W + _GAP_X, left + _BOX_W, top) if row == 1 else _arrow(left - _GAP_X, left, top)
                )
        if row:  # from the last station of the row above, straight down
            x = _LEFT + _BOX_W / 2 + (3 * (_BOX_W + _GAP_X) if row == 1 else 0)
            down = (
                f'<path class="a" d="M{x:g} {top - _GAP_Y}V{top - 8}"/><path class="h" d="M{x:g} {top - 1}l-5-10h10z"/>'
            )
            body.insert(0, down)  # under everything else, so that it never crosses "you are here"
    width = 2 * _LEFT + 4 * _BOX_W + 3 * _GAP_X
    height = _TOP + 3 * _BOX_H + 2 * _GAP_Y + 24
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
            '<title id="title">The way an image takes</title>',
            f'<desc id="desc">{" → ".join(told)}. The number in each box is its notebook.</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
            *body,
            "</svg>\n",
        ]
    )


def _station(left: int, top: int, title: str, says: str, notebook: str, lit: bool) -> list[str]:
    middle = left + _BOX_W // 2
    look = "lit" if lit else "box"
    shapes = [
        f'<rect class="{look}" x="{left}" y="{top}" width="{_BOX_W}" height="{_BOX_H}" rx="8"/>',
        f'<text class="t" x="{middle}" y="{top + 40}" text-anchor="middle">{title}</text>',
        f'<text class="s" x="{middle}" y="{top + 61}" text-anchor="middle">{says}</text>',
        f'<text class="n" x="{left + _BOX_W - 8}" y="{top + 18}" text-anchor="end">{notebook}</text>',
    ]
    if lit:
        shapes.append(
            f'<rect class="pill" x="{middle - 62}" y="{top + _BOX_H - 3}" width="124" height="20" rx="10"/>'
            f'<text class="you" x="{middle}" y="{top + _BOX_H + 11}" text-anchor="middle">'
            "▲ you are here</text>"
        )
    return shapes


def _arrow(start: int, end: int, top: int) -> str:
    y, back = top + _BOX_H // 2, 10 if end > start else -10
    return f'<path class="a" d="M{start} {y}H{end - back}"/><path class="h" d="M{end} {y}l{-back}-5v10z"/>'


def write_pictures(folder: Path) -> list[Path]:
    """Write ``way.svg`` and one ``way-NN.svg`` for each step that has one; return their paths."""
    pictures = {"way.svg": way()} | {f"way-{step}.svg": way(step) for step in _HERE}
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    return [folder / name for name in pictures]
