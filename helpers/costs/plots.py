"""Plots of bills, each with its content as text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .growth import usd_of_month
from .model import AXES, Bill, Line, Team, crossing, month, usd_text, with_amount
from .network import ways
from .tables import marked, notes, price_dates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ECR, HUB, INK, PALE = "#C44900", "#0060A8", "#1b2733", "#7d8993"  # different for the color-blind too, and labeled

LINE = 0.15  # inches, the height of a line in small print


@dataclass(frozen=True)
class Picture:
    """A plot that a notebook shows, with its content as text for readers who cannot see it."""

    png: bytes
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"image/png": self.png, "text/plain": self.alt}


def plot(
    team: Team,
    plan: str = "team",
    paid: str = "annual",
    along: Sequence[str] = ("members", "gb_pulled_over_the_internet"),
) -> Picture:
    """Plot both bills as one number grows and the others stay as in *team*; a panel for each of *along*."""
    with _canvas((5.6 * len(along), 4.9)) as figure:
        panels = figure.subplots(1, len(along), squeeze=False)[0]
        for axes, number in zip(panels, along, strict=True):
            _panel(axes, team, number, plan, paid)
        figure.subplots_adjust(left=0.085, right=0.885, top=0.89, bottom=0.33, wspace=0.5)
        _note(figure, [price_dates(paid, plan), *notes(month(team).lines)])
        drawn = _png(figure)
    sentences = [_sentence(team, number, plan, paid) for number in along]
    ecr, hub = month(team), month(team, plan, paid)
    alt = f"Your team: {ecr.registry} ${usd_text(ecr.usd)} a month, {hub.registry} ${usd_text(hub.usd)}."
    return Picture(drawn, "\n".join([alt, *sentences]))


def plot_bill(team: Team) -> Picture:
    """Plot a month of Amazon ECR as a bar for each line of the bill, the highest on top."""
    lines = sorted(month(team).lines, key=lambda line: line.usd)
    drawn = _bars([(line.what, line.usd, marked(line)) for line in lines], lines)
    return Picture(drawn, "\n".join(f"${usd_text(line.usd):>8}  {line.what}" for line in reversed(lines)))


def plot_ways(gb: float, zones: int = 1) -> Picture:
    """Plot the bills of ``ways`` as one bar each."""
    bills = ways(gb, zones)
    shown = [(_with_break(bill), bill.usd, marked(Line("", bill.usd, bill.prices))) for bill in reversed(bills)]
    drawn = _bars(shown, [line for bill in bills for line in bill.lines])
    return Picture(drawn, "\n".join(f"${usd_text(bill.usd):>8}  {bill.registry}" for bill in bills))


def _note(figure: "Figure", lines: Sequence[str]) -> None:
    """Write *lines* in small print at the bottom."""
    figure.text(0.018, 0.03, "\n".join(lines), fontsize=8, color="#44515d")


def _with_break(bill: Bill) -> str:
    return bill.registry.replace(" + ", "\n+ ")


def _bars(shown: Sequence[tuple[str, float, str]], lines: Sequence[Line]) -> bytes:
    """Draw a bar for each name, amount and label, the last one on top; the highest has another color."""
    doubts, most = notes(lines), max(usd for _, usd, _ in shown)
    below = LINE * len(doubts)  # inches for the notes
    with _canvas((8.4, 1.3 + 0.5 * len(shown) + below)) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(shown)), [usd for _, usd, _ in shown], color=HUB, height=0.62)
        for bar, (_, usd, label) in zip(bars, shown, strict=True):
            bar.set_color(ECR if usd == most else HUB)
            axes.annotate(f"  ${label}", (usd, bar.get_y() + 0.31), va="center", fontsize=9.5)
        axes.set(xlim=(0, max(most, 0.01) * 1.18), xlabel="US dollars a month")
        _tidy(axes)
        axes.grid(visible=False)
        axes.set_yticks(range(len(shown)), [what for what, _, _ in shown])
        axes.xaxis.set_major_formatter(lambda value, _: f"${value:,.10g}")
        figure.tight_layout(pad=1.4, rect=(0, below / figure.get_size_inches()[1], 1, 1))
        _note(figure, doubts)
        return _png(figure)


def plot_growth(added_gb: float, months: int = 12, kept_gb: float = 0) -> Picture:
    """Plot what storage costs month by month if *added_gb* are added a month, without a rule and with one.

    The rule keeps at most *kept_gb*; without one only the growth is plotted.
    """
    numbers = range(1, months + 1)
    without = [usd_of_month(added_gb, number) for number in numbers]
    kept = [usd_of_month(added_gb, number, kept_gb) for number in numbers] if kept_gb else []
    top = max(without[-1], 0.01) * 1.15
    with _canvas((8.4, 3.9)) as figure:
        axes = figure.subplots()
        axes.plot(numbers, without, "o-", color=ECR, linewidth=2.6, markersize=6, clip_on=False)
        _label(
            axes,
            f"keep everything\n${_stored(without[-1])} in month {months}",
            (months, without[-1]),
            (8, 0),
            va="center",
        )
        if kept:
            axes.plot(numbers, kept, "s--", color=HUB, linewidth=2.6, markersize=5, clip_on=False)
            _label(
                axes,
                f"keep {kept_gb:g} GB\n${_stored(kept[-1])} in month {months}",
                (months, kept[-1]),
                (8, 0),
                va="center",
            )
        axes.set(xlim=(0.5, months), ylim=(0, top), xlabel="month", ylabel="US dollars a month")
        axes.set_title(
            f"{added_gb:g} GB more every month", loc="left", fontsize=12, fontweight="bold", color=INK, pad=10
        )
        _tidy(axes)
        axes.set_xticks(list(numbers))
        figure.subplots_adjust(left=0.1, right=0.79, top=0.88, bottom=0.22)
        _note(figure, notes([Line("", 0, ("storage",))]))
        drawn = _png(figure)
    said = [f"Keep everything: ${usd_text(without[0])} in month 1, ${usd_text(without[-1])} in month {months}."]
    if kept:
        said.append(f"Keep {kept_gb:g} GB: ${usd_text(kept[0])} in month 1, ${usd_text(kept[-1])} in month {months}.")
    return Picture(drawn, "\n".join(said))


def _stored(usd: float) -> str:
    """An amount for storage, with a mark if its price is not verified."""
    return marked(Line("", usd, ("storage",))).strip()


@contextmanager
def _canvas(inches: tuple[float, float]) -> Iterator["Figure"]:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(mpl.rcParamsDefault | {"font.family": "DejaVu Sans", "font.size": 10.5, "text.color": INK}):
        figure = Figure(figsize=inches, dpi=110)
        FigureCanvasAgg(figure)
        yield figure


def _png(figure: "Figure") -> bytes:
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file, format="png", facecolor="white", edgecolor="#c9d1d8", metadata={"Software": None})
    return file.getvalue()


def _panel(axes: "Axes", team: Team, along: str, plan: str, paid: str) -> None:
    here, cross = getattr(team, along), crossing(team, along, plan, paid)
    start, end = (1 if along == "members" else 0), _reach(here, cross, along)

    def at(amount: float, registry: str) -> float:
        return month(with_amount(team, along, amount), registry, paid).usd

    top = max(at(end, "ecr"), at(end, plan), 1) * 1.16
    steps = [start + (end - start) * i / 200 for i in range(201)]
    apart = abs(at(end, "ecr") - at(end, plan)) > 0.12 * top  # else the labels at the ends of the lines would overlap
    for registry, color, dash, grows in (
        ("ecr", ECR, "-", along != "members"),
        (plan, HUB, (0, (6, 2)), along == "members"),
    ):
        axes.plot(steps, [at(step, registry) for step in steps], color=color, linewidth=2.6, linestyle=dash)
        name = month(team, registry, paid).registry.replace(" ", "\n", 1)
        above = at(end, registry) >= at(end, plan if registry == "ecr" else "ecr")
        bold = {"fontsize": 10.5, "fontweight": "bold", "va": "center", "annotation_clip": False}
        _label(axes, name, (end, at(end, registry)), (8, 0 if apart else 14 if above else -14), color=color, **bold)
        usd = at(here, registry)
        axes.plot([here], [usd], "o", color=color, markersize=8.5, markeredgecolor="white", clip_on=False, zorder=4)
        if abs(at(here, "ecr") - at(here, plan)) > 0.15 * top:
            offset, vertical = ((10, -4), "center") if grows else ((7, 7), "bottom")
            _label(axes, f"${usd_text(usd)}", (here, usd), offset, va=vertical, color=color)
    axes.axvline(here, color=PALE, linewidth=1, linestyle=":", zorder=0)
    _label(axes, "your team", (here, top), (5, -2), va="top")
    if cross is not None and start < cross <= end:
        _mark_crossing(axes, along, cross, at(cross, "ecr"), end, top)
    axes.set(xlim=(start, end), ylim=(0, top), xlabel=AXES[along], ylabel="US dollars a month")
    bills = "Docker Hub bills people" if along == "members" else "Amazon ECR bills gigabytes"
    axes.set_title(bills, loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    _tidy(axes)


def _mark_crossing(axes: "Axes", along: str, x: float, y: float, end: float, top: float) -> None:
    """Mark where the lines cross; the label goes where no line is, right below or left above."""
    axes.plot([x], [y], "D", color="white", markeredgecolor=INK, markersize=8, markeredgewidth=1.6, zorder=5)
    below = y > 0.2 * top or x < 0.4 * end
    offset, across, vertical = ((8, -8), "left", "top") if below else ((-8, 8), "right", "bottom")
    text = f"the same at\n{_rough(x)} {'people' if along == 'members' else 'GB'}"
    _label(axes, text, (x, y), offset, ha=across, va=vertical)


def _label(axes: "Axes", text: str, at: tuple[float, float], offset: tuple[int, int], **style: Any) -> None:
    """Write a text at an offset (in points) from a position on the axes."""
    axes.annotate(text, at, xytext=offset, textcoords="offset points", **{"fontsize": 9.5} | style)


def _reach(here: float, cross: float | None, along: str) -> float:
    """Where an axis ends: past the team and, unless it is much too far away, past the crossing."""
    least = 10.0 if along == "members" else 100.0
    near = cross if cross is not None and cross <= 1000 * max(here, least) else 0
    return max(2 * here, 1.5 * near, least)


def _tidy(axes: "Axes") -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=INK, length=3)
    axes.yaxis.label.set_color(INK)
    axes.xaxis.label.set_color(INK)
    axes.grid(axis="y", color="#e6eaed", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"${value:,.10g}")


def _sentence(team: Team, along: str, plan: str, paid: str) -> str:
    """The content of a panel as a sentence."""
    cross = crossing(team, along, plan, paid)
    cheaper, other = "Amazon ECR", month(team, plan, paid).registry
    if along != "members":
        cheaper, other = other, cheaper
    if cross is None:
        few = with_amount(team, along, 0)
        ecr_costs_less = month(few).usd < month(few, plan, paid).usd
        return f"By {AXES[along]}: {'Amazon ECR' if ecr_costs_less else 'Docker Hub'} costs less at any number."
    return f"By {AXES[along]}: the same at {_rough(cross)}; above that, {cheaper} costs less than {other}."


def _rough(number: float) -> str:
    return f"{number:,.0f}" if number >= 20 else f"{number:.1f}".removesuffix(".0")
