"""What would it cost *your* team? The bills of Amazon ECR and Docker Hub, where they cross, and which to choose.

Pure arithmetic on the dated prices of ``prices.py``; the free amount of a new AWS account is left out.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from ecr_sandbox.services.cost_explorer import prices

from helpers import show

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# ── a month's bill ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Team:
    """Who would use the registry, and for how much; what is no ``gb_stored`` is a month's. ValueError below zero.

    *gb_archived* are kept beside *gb_stored*. Scans are enhanced ones, of images: basic scans are free.
    """

    people: float
    gb_stored: float
    gb_pulled_over_the_internet: float = 0
    gb_pulled_in_the_region: float = 0
    gb_of_those_through_nat: float = 0
    private_repositories: int = 2
    gb_archived: float = 0
    gb_restored: float = 0
    gb_replicated: float = 0
    first_scans: float = 0
    rescans: float = 0

    def __post_init__(self) -> None:
        for name, amount in vars(self).items():
            if not 0 <= amount < inf:
                raise ValueError(f"{name} cannot be {amount}")
        if self.gb_of_those_through_nat > self.gb_pulled_in_the_region:
            raise ValueError("gb_of_those_through_nat is a part of gb_pulled_in_the_region: it cannot be more")


@dataclass(frozen=True)
class Line:
    """One item of a bill."""

    what: str
    usd: float


@dataclass(frozen=True)
class Bill:
    """A month of one registry; *misfit* says why the team cannot use it, *note* what to know about it."""

    registry: str
    lines: tuple[Line, ...]
    misfit: str = ""
    note: str = ""

    @property
    def usd(self) -> float:
        """The sum of the lines."""
        return sum(line.usd for line in self.lines)


def month(team: Team, registry: str = "ecr", paid: str = "annual") -> Bill:
    """The bill of a month: *registry* is ``ecr``, or ``personal``, ``pro``, ``team`` or ``business`` of the Hub.

    A plan is *paid* ``annual`` or ``monthly``. ValueError for a plan that is not sold so, KeyError for no plan at all.
    """
    return _ecr(team) if registry == "ecr" else _hub(team, prices.plans()[registry], paid)


def _ecr(team: Team) -> Bill:
    out, free = team.gb_pulled_over_the_internet, prices.free_internet_gb()
    lines = [
        Line(f"{_amount(team.gb_stored)} GB stored", team.gb_stored * prices.usd("storage")),
        Line(f"{_amount(out)} GB over the internet, {free} free", prices.internet(out)),
    ]
    if inside := team.gb_pulled_in_the_region:
        lines.append(Line(f"{_amount(inside)} GB inside the Region", inside * prices.usd("same_region")))
    return Bill(
        "Amazon ECR", (*lines, *_further(team), *_nat(team)), note="endpoints would save the NAT" if _nat(team) else ""
    )


def _further(team: Team) -> list[Line]:
    """What not everybody uses, and only ECR has."""
    archived, replicated = team.gb_archived, team.gb_replicated
    beside = {key: prices.usd(key, "beside_ecr") for key in ("archive_retrieval", "replication", "rescan")}
    lines = {
        f"{_amount(archived)} GB in the archive": prices.archive(archived),
        f"{_amount(team.gb_restored)} GB out of the archive": team.gb_restored * beside["archive_retrieval"],
        f"{_amount(replicated)} GB to another Region": replicated * beside["replication"],
        f"{_amount(team.first_scans)} images scanned (Inspector's bill)": team.first_scans
        * prices.usd("enhanced_scan"),
        f"{_amount(team.rescans)} scans again (Inspector's bill)": team.rescans * beside["rescan"],
    }
    return [Line(what, usd) for what, usd in lines.items() if usd]


def _hub(team: Team, plan: prices.Plan, paid: str) -> Bill:
    seats, price = max(team.people, plan.least_seats), plan.usd(paid)
    lines = (Line(f"{_amount(seats)} {'seat' if seats == 1 else 'seats'} of ${price:g}", seats * price),)
    notes = [
        f"{plan.pulls_per_6_hours} pulls in 6 hours each" if plan.pulls_per_6_hours else "",
        "price unverified" if plan.unverified else "",
    ]
    return Bill(f"Docker Hub {plan.name}", (*lines, *_nat(team)), _misfit(team, plan), ", ".join(filter(None, notes)))


def _nat(team: Team) -> list[Line]:
    """The way through NAT costs the same whichever registry is at its end; only ECR has endpoints instead."""
    gb = team.gb_of_those_through_nat
    return [Line(f"{_amount(gb)} GB through NAT (VPC's bill)", gb * prices.usd("nat", "beside_ecr"))] if gb else []


def _misfit(team: Team, plan: prices.Plan) -> str:
    if plan.private_repositories is not None and team.private_repositories > plan.private_repositories:
        return f"only {plan.private_repositories} private repository"
    if plan.buyer == "one person" and team.people > 1:
        return "an account for one person"
    return ""


def compare(team: Team, paid: str = "annual") -> None:
    """Print the bill of every registry for this team, with what does not fit and what is unverified."""
    print(
        f"people: {_amount(team.people)} · private repositories: {team.private_repositories}"
        f" · GB stored: {_amount(team.gb_stored)}"
        f" · GB a month over the internet: {_amount(team.gb_pulled_over_the_internet)}\n"
    )
    rows = []
    sold = [plan.key for plan in prices.plans().values() if paid == "annual" or plan.usd_monthly is not None]
    for bill in [month(team), *(month(team, key, paid) for key in sold)]:
        remark = f"✘ {bill.misfit}" if bill.misfit else bill.note
        first, *more = bill.lines
        rows.append((bill.registry, first.what, _usd(first.usd), "" if more else remark))
        rows += [("", line.what, _usd(line.usd), "") for line in more]
        if more:
            rows.append(("", "together", _usd(bill.usd), remark))
    width = max(len(row[2]) for row in rows)
    show.table([(a, b, usd.rjust(width), d) for a, b, usd, d in rows], ["registry", "what is paid", "USD", ""])
    print(f"\n{_dates(paid)}")


def _dates(paid: str, plan: str = "team") -> str:
    bought = prices.plans()[plan]
    doubt = f" ({bought.name}: unverified)" if bought.unverified else ""
    return (
        f"Prices a month: ECR in us-east-1, {prices.facts()['as_of']}; "
        f"Docker Hub, paid {paid}, {bought.as_of}{doubt}. "
        "No tax, and no free tier of a new account."
    )


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def _amount(number: float) -> str:
    return f"{number:,.10g}" if number == int(number) else f"{number:,.1f}"


# ── where the bills cross ───────────────────────────────────────────────────────────────────────────────────

AXES = {  # what may grow -> its name on an axis
    "people": "people in the team",
    "gb_stored": "GB stored",
    "gb_pulled_over_the_internet": "GB pulled over the internet in a month",
}
MOST = 1e9  # people or gigabytes; beyond, nobody asks


def crossing(team: Team, along: str, plan: str = "team", paid: str = "annual") -> float | None:
    """How many people or gigabytes make both bills the same, all else being as in *team*; None if nothing does.

    *along* is one of ``AXES`` (KeyError). More people make the Hub dearer; more gigabytes make ECR dearer.
    """
    AXES[along]

    def gap(amount: float) -> float:
        at = _with(team, along, amount)
        return month(at).usd - month(at, plan, paid).usd

    low, high = 0.0, 1.0
    if gap(low) == 0:
        return low
    while gap(low) * gap(high) > 0:
        low, high = high, high * 2
        if high > MOST:
            return None
    for _ in range(200):
        middle = (low + high) / 2
        if gap(middle) * gap(high) > 0:
            high = middle
        else:
            low = middle
    return high


def _with(team: Team, along: str, amount: float) -> Team:
    changed: dict[str, Any] = {along: amount}
    return replace(team, **changed)


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────

ECR, HUB, INK, PALE = "#C44900", "#0060A8", "#1b2733", "#7d8993"  # told apart by the colour-blind, and by their labels


@dataclass(frozen=True)
class Picture:
    """A drawing that a notebook shows, with what it says in words for whoever cannot see it."""

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
    along: Sequence[str] = ("people", "gb_pulled_over_the_internet"),
) -> Picture:
    """Draw both bills while one number grows and the others stay as in *team*; a panel for each of *along*."""
    with _canvas((5.6 * len(along), 4.3)) as figure:
        panels = figure.subplots(1, len(along), squeeze=False)[0]
        for axes, number in zip(panels, along, strict=True):
            _panel(axes, team, number, plan, paid)
        figure.subplots_adjust(left=0.085, right=0.885, top=0.88, bottom=0.23, wspace=0.5)
        figure.text(0.018, 0.04, _dates(paid, plan), fontsize=8.5, color="#44515d")
        drawn = _png(figure)
    said = [_words(team, number, plan, paid) for number in along]
    ecr, hub = month(team), month(team, plan, paid)
    alt = f"Your team: {ecr.registry} ${_usd(ecr.usd)} a month, {hub.registry} ${_usd(hub.usd)}."
    return Picture(drawn, "\n".join([alt, *said]))


def plot_bill(team: Team) -> Picture:
    """Draw a month of Amazon ECR as one bar for each line of the bill, the dearest on top."""
    lines = sorted(month(team).lines, key=lambda line: line.usd)
    with _canvas((8.4, 1.3 + 0.5 * len(lines))) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(lines)), [line.usd for line in lines], color=HUB, height=0.62)
        bars[-1].set_color(ECR)
        for bar, line in zip(bars, lines, strict=True):
            axes.annotate(f"  ${_usd(line.usd)}", (line.usd, bar.get_y() + 0.31), va="center", fontsize=9.5)
        axes.set(xlim=(0, max(lines[-1].usd, 0.01) * 1.18), xlabel="US dollars a month")
        _tidy(axes)
        axes.grid(visible=False)
        axes.set_yticks(range(len(lines)), [line.what for line in lines])
        axes.xaxis.set_major_formatter(lambda value, _: f"${value:,.10g}")
        figure.tight_layout(pad=1.4)
        drawn = _png(figure)
    return Picture(drawn, "\n".join(f"${_usd(line.usd):>8}  {line.what}" for line in reversed(lines)))


def first_of_month(moment: "datetime", later: int = 0) -> "datetime":
    """Where a month's bill begins: midnight (as *moment* counts it) of the first day, so many months later."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + later, 12)
    return moment.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def plot_kept(days: Sequence[dict[str, Any]]) -> Picture:
    """Draw what was kept, day by day, and what it costs a month.

    *days* are the ``ResultsByTime`` of a daily GetCostAndUsage that asked for the UsageQuantity of storage.
    """
    kept = [_mb_kept(day) for day in days]
    with _canvas((8.4, 3.9)) as figure:
        axes = figure.subplots()
        axes.stairs(kept, fill=True, color="#f3d9c9", zorder=1)
        axes.stairs(kept, color=ECR, linewidth=2.6, zorder=2)
        axes.set(xlim=(0, len(kept)), ylim=(0, max(*kept, 1) * 1.25), xlabel="day", ylabel="MB kept")
        for at, mb in ((0, kept[0]), (len(kept) * 0.62, kept[-1])):
            axes.annotate(f"${_month_of(mb)} a month", (at, mb), xytext=(8, 7), textcoords="offset points")
        _tidy(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        figure.tight_layout(pad=1.4)
        drawn = _png(figure)
    before, after = (f"{mb:.0f} MB, ${_month_of(mb)} a month" for mb in (kept[0], kept[-1]))
    return Picture(drawn, f"Kept at first: {before}. Kept at the end: {after}.")


def _mb_kept(day: dict[str, Any]) -> float:
    """A day's GB-months as the MB that were kept all day long; a MB is a million bytes."""
    year, number = map(int, day["TimePeriod"]["Start"].split("-")[:2])
    return float(day["Total"]["UsageQuantity"]["Amount"]) * monthrange(year, number)[1] * 2**30 / 1e6


def _month_of(mb: float) -> str:
    return f"{mb * 1e6 / 2**30 * prices.usd('storage'):.4f}"


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
    start, end = (1 if along == "people" else 0), _reach(here, cross, along)

    def at(amount: float, registry: str) -> float:
        return month(_with(team, along, amount), registry, paid).usd

    top = max(at(end, "ecr"), at(end, plan), 1) * 1.16
    steps = [start + (end - start) * i / 200 for i in range(201)]
    apart = abs(at(end, "ecr") - at(end, plan)) > 0.12 * top  # else the labels at the lines' ends would touch
    for registry, colour, dash, grows in (
        ("ecr", ECR, "-", along != "people"),
        (plan, HUB, (0, (6, 2)), along == "people"),
    ):
        axes.plot(steps, [at(step, registry) for step in steps], color=colour, linewidth=2.6, linestyle=dash)
        name = month(team, registry, paid).registry.replace(" ", "\n", 1)
        above = at(end, registry) >= at(end, plan if registry == "ecr" else "ecr")
        axes.annotate(
            name,
            (end, at(end, registry)),
            xytext=(8, 0 if apart else 14 if above else -14),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
        )
        usd = at(here, registry)
        axes.plot([here], [usd], "o", color=colour, markersize=8.5, markeredgecolor="white", clip_on=False, zorder=4)
        if abs(at(here, "ecr") - at(here, plan)) > 0.15 * top:
            axes.annotate(
                f"${_usd(usd)}",
                (here, usd),
                xytext=(10, -4) if grows else (7, 7),
                textcoords="offset points",
                va="center" if grows else "bottom",
                color=colour,
                fontsize=9.5,
            )
    axes.axvline(here, color=PALE, linewidth=1, linestyle=":", zorder=0)
    axes.annotate("your team", (here, top), xytext=(5, -2), textcoords="offset points", va="top", fontsize=9.5)
    if cross is not None and start < cross <= end:
        _mark_crossing(axes, along, cross, at(cross, "ecr"), end, top)
    axes.set(xlim=(start, end), ylim=(0, top), xlabel=AXES[along], ylabel="US dollars a month")
    bills = "Docker Hub bills people" if along == "people" else "Amazon ECR bills gigabytes"
    axes.set_title(bills, loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    _tidy(axes)


def _mark_crossing(axes: "Axes", along: str, x: float, y: float, end: float, top: float) -> None:
    """Mark where the lines cross; right below it, and left above it, neither of them runs."""
    axes.plot([x], [y], "D", color="white", markeredgecolor=INK, markersize=8, markeredgewidth=1.6, zorder=5)
    below = y > 0.2 * top or x < 0.4 * end
    axes.annotate(
        f"the same at\n{_rough(x)} {'people' if along == 'people' else 'GB'}",
        (x, y),
        xytext=(8, -8) if below else (-8, 8),
        textcoords="offset points",
        ha="left" if below else "right",
        va="top" if below else "bottom",
        fontsize=9.5,
    )


def _reach(here: float, cross: float | None, along: str) -> float:
    """How far an axis runs: past the team and, unless it is out of all proportion, past the crossing."""
    least = 10.0 if along == "people" else 100.0
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


def _words(team: Team, along: str, plan: str, paid: str) -> str:
    """What a panel says, in a sentence."""
    cross = crossing(team, along, plan, paid)
    cheaper, dearer = "Amazon ECR", month(team, plan, paid).registry
    if along != "people":
        cheaper, dearer = dearer, cheaper
    if cross is None:
        few = _with(team, along, 0)
        ecr_costs_less = month(few).usd < month(few, plan, paid).usd
        return f"By {AXES[along]}: {'Amazon ECR' if ecr_costs_less else 'Docker Hub'} costs less at any number."
    return f"By {AXES[along]}: the same at {_rough(cross)}; above that, {cheaper} costs less than {dearer}."


def _rough(number: float) -> str:
    return f"{number:,.0f}" if number >= 20 else f"{number:.1f}".removesuffix(".0")


# ── which to choose ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Needs:
    """What a team needs of its registry."""

    public: bool = False  # everybody may find and pull some of the images
    private: bool = True  # some images are for members only
    anonymous_pulls: bool = False  # without any account, as a rule from a README
    people: int = 5
    private_repositories: int = 2
    runs_on_aws: bool = False  # ECS, EKS, Fargate, Lambda, EC2
    permissions_per_repository: bool = False  # by role, with conditions
    compliance: bool = False  # audit log, own keys, tags that cannot be moved, private network


@dataclass(frozen=True)
class Choice:
    """A recommendation, what speaks for it, and what against it."""

    registry: str
    reasons: tuple[str, ...]
    against: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.registry, *(f"  + {each}" for each in self.reasons), *(f"  - {each}" for each in self.against)]
        return "\n".join(lines)


_PRIVATE, _PUBLIC, _BOTH, _HUB = "Amazon ECR", "Amazon ECR Public", "Amazon ECR and Amazon ECR Public", "Docker Hub"


def choose(needs: Needs) -> Choice:
    """Which registry, and why: each reason for and against comes from an answer in *needs*.

    ValueError when nothing is to be stored at all: neither public nor private images.
    """
    shared = needs.public or needs.anonymous_pulls
    if not shared and not needs.private:
        raise ValueError("say what the images are: public, private, or some of each")
    in_aws = _BOTH if shared and needs.private else _PUBLIC if shared else _PRIVATE
    aws, hub = _for_aws(needs, shared), _for_hub(needs, shared)
    weight = sum(points for points, _ in aws) - sum(points for points, _ in hub)
    pick, reasons, others = (in_aws, aws, hub) if weight > 0 else (_HUB, hub, aws)
    return Choice(
        pick,
        tuple(text for _, text in reasons),
        (*_weak_points(pick, needs, shared), *(text for _, text in others)),
    )


def _for_aws(needs: Needs, shared: bool) -> list[tuple[int, str]]:
    found = []
    if needs.runs_on_aws:
        found.append(
            (
                3,
                "ECR is next to where your containers run: pulls inside the Region cost nothing",
            )
        )
    if needs.permissions_per_repository:
        found.append(
            (2, "ECR asks IAM at each push and pull: a policy per role and repository, no accounts of its own")
        )
    if needs.compliance:
        found.append((2, "ECR has CloudTrail, KMS keys, immutable tags, scans and private endpoints at every size"))
    if needs.private and needs.people > 1:
        found.append((1, "ECR has no seats: members cost nothing, gigabytes do"))
    if shared and needs.runs_on_aws:
        found.append((1, "ECR Public charges nothing for pulls from AWS, however many"))
    return found


def _for_hub(needs: Needs, shared: bool) -> list[tuple[int, str]]:
    found = []
    if needs.anonymous_pulls:
        found.append((2, "Docker Hub is where everybody looks, and where docker pull goes when no registry is named"))
    elif needs.public:
        found.append((1, "Docker Hub keeps public repositories free of charge, with a page that people find"))
    if not needs.runs_on_aws:
        found.append((2, "Docker Hub needs no cloud account, and charges nothing for what goes over the internet"))
    personal = prices.plans()["personal"]
    if needs.private and needs.people == 1 and needs.private_repositories <= (personal.private_repositories or 0):
        found.append((1, "Docker Hub's Personal plan is free and has the one private repository you need"))
    return found


def _weak_points(pick: str, needs: Needs, shared: bool) -> list[str]:
    """What users of the registry itself complain about, where it touches these needs."""
    hub = prices.facts()["docker_hub"]
    public = {each["key"]: each for each in prices.facts()["ecr_public"]}
    if pick == _HUB:
        found = [
            f"pulls are limited: {hub['anonymous']['pulls_per_6_hours']} in 6 hours for an address, "
            f"{prices.plans()['personal'].pulls_per_6_hours} for a free account; then toomanyrequests",
            "limits and prices have been changed, and changed back, at short notice",
        ]
        if needs.private and needs.people > 1:
            found.append(f"a team pays for each person: ${prices.plans()['team'].usd():g} a month on the Team plan")
        return found
    found = []
    if needs.private:
        found += [
            "a docker login lasts 12 hours, and a repository must exist before its first push",
            "what nobody deletes is paid for: old images stay until a lifecycle rule takes them",
        ]
    if shared:
        found.append(
            f"without an account, ECR Public serves {public['free_anonymous']['amount']} GB a month to an address, "
            "then nothing; few people search there"
        )
    if needs.runs_on_aws:
        found.append(
            f"pulls through a NAT gateway cost ${prices.usd('nat', 'beside_ecr'):g} a GB, unless there are endpoints"
        )
    else:
        found.append(f"pulls over the internet cost ${prices.usd('internet'):g} a GB after the first")
    return found
