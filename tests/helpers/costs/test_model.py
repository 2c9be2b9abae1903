"""Prices have dates, bills add up, the crossing is where two bills are equal, and a choice has reasons."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox import prices
from helpers import costs
from helpers.costs import Needs, Team

TEAM = Team(members=5, gb_stored=20, gb_pulled_over_the_internet=150)

gigabytes = st.floats(0, 1e6, allow_nan=False)
teams = st.builds(
    Team,
    members=st.integers(1, 5000),
    gb_stored=gigabytes,
    gb_pulled_over_the_internet=gigabytes,
    private_repositories=st.integers(0, 50),
)
registries = st.sampled_from(["ecr", "personal", "pro", "team", "business"])


def numbers(facts, above=()):
    """Each figure of a data file, with the facts around it."""
    for key, value in facts.items() if isinstance(facts, dict) else enumerate(facts):
        if isinstance(value, dict | list):
            yield from numbers(value, (*above, facts))
        elif isinstance(value, int | float):
            yield key, value, [each for each in (*above[1:], facts) if isinstance(each, dict)]


def test_each_figure_has_a_date_and_a_source():
    found = list(numbers(prices.facts()))
    assert len(found) > 40
    for key, value, around in found:
        assert value >= 0, key
        assert any(each.get("as_of", "")[:2] == "20" for each in around), (key, value)
        sources = [source for each in around for source in each.get("sources", [])]
        assert sources, (key, value)
        verified = any(each.get("verified") for each in around)
        named = any("https://" in source for source in sources)
        assert named or not verified, (key, value)


def test_each_price_says_whether_it_is_verified():
    sections = [prices.facts()[name] for name in ("ecr", "beside_ecr", "ecr_public")]
    plans = prices.facts()["docker_hub"]["plans"]
    steps = [prices.facts()["internet_steps"], prices.facts()["archive_steps"]]
    found = [each for section in (*sections, plans, steps) for each in section]
    assert all(isinstance(each["verified"], bool) for each in found)
    own = (
        "https://docs.aws.amazon.com/",
        "https://aws.amazon.com/",
        "https://docs.docker.com/",
        "https://www.docker.com/",
    )
    for each in found:
        assert not each["verified"] or each["sources"][0].startswith(own), each["key"]


def test_no_key_is_used_twice():
    for section in ("ecr", "beside_ecr", "ecr_public"):
        keys = [each["key"] for each in prices.facts()[section]]
        assert len(set(keys)) == len(keys)


def test_the_first_paid_step_is_the_price_in_the_list():
    free = prices.free_internet_gb()
    assert prices.internet(free) == 0
    assert prices.internet(free + 1) == pytest.approx(prices.usd("internet"))


def test_an_unknown_fact_is_an_error():
    with pytest.raises(KeyError, match="seats"):
        prices.fact("seats")
    with pytest.raises(KeyError, match="seats"):
        prices.facts_of(["storage", "seats"])


@pytest.mark.parametrize(
    ("gb", "usd"),
    [
        (0, 0),
        (100, 0),
        (101, 0.09),
        (200, 9),
        (10240, 10140 * 0.09),
        (10241, 10140 * 0.09 + 0.085),
        (51200, 10140 * 0.09 + 40960 * 0.085),
        (153600, 10140 * 0.09 + 40960 * 0.085 + 102400 * 0.07),
        (153700, 10140 * 0.09 + 40960 * 0.085 + 102400 * 0.07 + 100 * 0.05),
    ],
)
def test_internet_pulls_cost_by_price_tier(gb, usd):
    assert prices.internet(gb) == pytest.approx(usd)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_gigabytes_cost_at_most_the_highest_price_tier(some, more):
    added = prices.internet(some + more) - prices.internet(some)
    assert -1e-6 <= added <= more * 0.09 + 1e-6


@pytest.mark.parametrize("edge", [100, 10240, 51200, 153600])
def test_the_price_is_continuous_between_price_tiers(edge):
    assert prices.internet(edge + 1e-6) - prices.internet(edge - 1e-6) < 1e-6


@given(teams, registries)
def test_a_bill_is_never_negative_and_is_the_sum_of_its_lines(team, registry):
    bill = costs.month(team, registry)
    assert all(line.usd >= 0 for line in bill.lines)
    assert bill.usd == pytest.approx(sum(line.usd for line in bill.lines))


@given(teams, registries, st.sampled_from(list(costs.AXES)), st.integers(1, 1000))
def test_more_of_anything_never_costs_less(team, registry, along, more):
    grown = replace(team, **{along: getattr(team, along) + more})
    assert costs.month(grown, registry).usd >= costs.month(team, registry).usd - 1e-9


@given(gigabytes, gigabytes)
def test_what_is_stored_adds_up(some, more):
    def usd(gb):
        return costs.month(Team(1, gb)).usd

    assert usd(some + more) == pytest.approx(usd(some) + usd(more))


def test_the_bill_of_a_small_team():
    bill = costs.month(TEAM)
    assert [(line.what, round(line.usd, 2)) for line in bill.lines] == [
        ("20 GB stored", 2.0),
        ("150 GB over the internet, 100 free", 4.5),
    ]
    assert costs.month(TEAM, "team").usd == 75
    assert costs.month(TEAM, "team", "monthly").usd == 80


def test_an_empty_team_pays_for_the_minimum_number_of_seats():
    assert costs.month(Team(0, 1), "team").usd == 15


def test_pulls_inside_the_region_are_free_and_nat_is_not():
    inside = replace(TEAM, gb_pulled_in_the_region=600)
    through = replace(inside, gb_of_those_through_nat=600)
    for registry in ("ecr", "team"):
        assert costs.month(inside, registry).usd == costs.month(TEAM, registry).usd
        assert costs.month(through, registry).usd == pytest.approx(costs.month(TEAM, registry).usd + 27)
    assert costs.month(through).note == "the free S3 gateway endpoint saves the GB through NAT"


@pytest.mark.parametrize(
    ("team", "plan", "misfit"),
    [
        (Team(1, 1, private_repositories=1), "personal", ""),
        (Team(1, 1, private_repositories=2), "personal", "only 1 private repository"),
        (Team(2, 1, private_repositories=1), "personal", "an account for one person"),
        (Team(1, 1, private_repositories=9), "pro", ""),
        (Team(2, 1, private_repositories=9), "pro", "an account for one person"),
        (Team(2, 1, private_repositories=9), "team", ""),
    ],
)
def test_a_plan_that_does_not_fit_has_a_reason(team, plan, misfit):
    assert costs.month(team, plan).misfit == misfit


def test_an_unverified_price_is_marked():
    assert costs.month(TEAM, "business").note == "price not verified"
    assert costs.month(TEAM, "team").note == ""


def test_invalid_plans_and_amounts_are_refused():
    with pytest.raises(ValueError, match="not sold 'monthly'"):
        costs.month(TEAM, "business", "monthly")
    with pytest.raises(ValueError, match="not sold 'weekly'"):
        costs.month(TEAM, "team", "weekly")
    with pytest.raises(KeyError):
        costs.month(TEAM, "enterprise")
    with pytest.raises(ValueError, match="gb_stored cannot be -1"):
        Team(1, -1)
    with pytest.raises(ValueError, match="members cannot be nan"):
        Team(float("nan"), 1)
    with pytest.raises(ValueError, match="cannot be more"):
        Team(1, 1, gb_of_those_through_nat=2)


@given(teams, st.sampled_from(list(costs.AXES)), st.sampled_from(["team", "business", "pro"]))
def test_both_bills_are_equal_at_the_crossing_only(team, along, plan):
    cross = costs.crossing(team, along, plan)

    def gap(amount):
        at = replace(team, **{along: amount})
        return costs.month(at).usd - costs.month(at, plan).usd

    if cross is None:
        assert gap(0) * gap(1e9) > 0
    else:
        assert gap(cross) == pytest.approx(0, abs=1e-3)
        assert gap(cross / 2) * gap(cross * 2 + 10) <= 1e-6


@pytest.mark.parametrize(
    ("team", "along", "where"),
    [
        (Team(5, 20), "gb_stored", 750),
        (Team(5, 20), "gb_pulled_over_the_internet", 100 + (75 - 2) / 0.09),
        (Team(1, 300), "members", 2),
        (Team(1, 20), "members", None),
        (Team(1, 500), "gb_pulled_over_the_internet", None),
    ],
)
def test_the_crossing_of_two_bills(team, along, where):
    assert costs.crossing(team, along) == (None if where is None else pytest.approx(where))


def test_an_unknown_axis_is_an_error():
    with pytest.raises(KeyError, match="color"):
        costs.crossing(TEAM, "color")


def test_the_comparison_lists_every_registry_with_its_remarks(capsys):
    costs.compare(TEAM)
    output = capsys.readouterr().out
    assert "people: 5 · private repositories: 2 · GB stored: 20 · GB a month over the internet: 150" in output
    assert "                     150 GB over the internet, 100 free    4.50*" in output
    assert "                     together                              6.50" in output
    assert "Docker Hub Personal  5 seats of $0                         0.00   ✘ only 1 private repository" in output
    assert "Docker Hub Business  5 seats of $24                      120.00   price not verified" in output
    assert "* not verified on AWS's price page; from:\n  pull over the internet" in output
    assert "  storage, compressed layers: $0.1 per GB-month (cloudburn.io, 2026-03)\n" in output
    assert "ECR in us-east-1, 2026-03; Docker Hub, paid annual, 2024" in output
    assert max(map(len, output.splitlines())) <= 120


def test_a_plan_that_is_not_sold_by_the_month_is_left_out(capsys):
    costs.compare(TEAM, paid="monthly")
    output = capsys.readouterr().out
    assert "5 seats of $16" in output
    assert "Business" not in output


def test_the_plot_is_a_reproducible_png_with_a_text():
    picture = costs.plot(TEAM)
    assert picture.png.startswith(b"\x89PNG")
    assert picture.png == costs.plot(TEAM).png
    assert picture.png != costs.plot(replace(TEAM, members=6)).png
    assert repr(picture).splitlines() == [
        "Your team: Amazon ECR $6.50 a month, Docker Hub Team $75.00.",
        "By people in the team: Amazon ECR costs less at any number.",
        "By GB pulled over the internet in a month: the same at 911; "
        "above that, Docker Hub Team costs less than Amazon ECR.",
    ]
    assert picture._repr_mimebundle_() == {"image/png": picture.png, "text/plain": picture.alt}


@pytest.mark.parametrize("plan", ["personal", "pro", "team", "business"])
@pytest.mark.parametrize("team", [Team(1, 0), Team(1, 2, 10), Team(5000, 1e6, 1e6), Team(40, 500, 3000)])
def test_any_team_can_be_plotted(team, plan):
    picture = costs.plot(team, plan, along=("members", "gb_stored", "gb_pulled_over_the_internet"))
    assert picture.png.startswith(b"\x89PNG")
    assert len(picture.alt.splitlines()) == 4


@pytest.mark.parametrize(
    ("needs", "registry"),
    [
        (Needs(runs_on_aws=True), "Amazon ECR"),
        (Needs(permissions_per_repository=True), "Amazon ECR"),
        (Needs(compliance=True), "Amazon ECR"),
        (Needs(members=1, private_repositories=1), "Docker Hub"),
        (Needs(), "Docker Hub"),
        (Needs(public=True, private=False), "Docker Hub"),
        (Needs(public=True, private=False, anonymous_pulls=True), "Docker Hub"),
        (Needs(public=True, private=False, runs_on_aws=True), "Amazon ECR Public"),
        (Needs(public=True, private=False, anonymous_pulls=True, runs_on_aws=True), "Amazon ECR Public"),
        (Needs(public=True, runs_on_aws=True), "Amazon ECR and Amazon ECR Public"),
        (Needs(public=True, anonymous_pulls=True), "Docker Hub"),
    ],
)
def test_the_recommended_registry(needs, registry):
    assert costs.choose(needs).registry == registry


answers = st.builds(
    Needs,
    public=st.booleans(),
    private=st.just(True),
    anonymous_pulls=st.booleans(),
    members=st.integers(1, 100),
    private_repositories=st.integers(0, 20),
    runs_on_aws=st.booleans(),
    permissions_per_repository=st.booleans(),
    compliance=st.booleans(),
)


@given(answers)
def test_each_choice_has_reasons_for_and_against(needs):
    choice = costs.choose(needs)
    assert choice.reasons
    assert choice.against
    assert not set(choice.reasons) & set(choice.against)


@given(answers, st.sampled_from(["runs_on_aws", "permissions_per_repository", "compliance"]))
def test_another_aws_need_never_changes_the_choice_to_docker_hub(needs, need):
    if costs.choose(needs).registry != "Docker Hub":
        assert costs.choose(replace(needs, **{need: True})).registry != "Docker Hub"


@given(answers)
def test_images_for_anonymous_clients_are_never_in_a_private_registry(needs):
    if needs.public or needs.anonymous_pulls:
        assert costs.choose(needs).registry != "Amazon ECR"


def test_a_choice_is_printed_as_text():
    assert str(costs.choose(Needs(runs_on_aws=True, members=1))).splitlines() == [
        "Amazon ECR",
        "  + ECR is next to where your containers run: pulls inside the Region cost nothing",
        "  - a docker login lasts 12 hours, and a repository must exist before its first push",
        "  - you pay for each image until it is deleted: a lifecycle rule expires old ones",
        "  - pulls through a NAT gateway cost $0.045 a GB, unless there is the free S3 gateway endpoint",
    ]


def test_needs_without_images_are_refused():
    with pytest.raises(ValueError, match="public, private, or some of each"):
        costs.choose(Needs(private=False))


MORE = replace(TEAM, gb_archived=30, gb_restored=5, gb_replicated=60, first_scans=300, rescans=100)


def test_optional_features_are_on_the_bill_of_ecr_only():
    lines = [(line.what, round(line.usd, 2)) for line in costs.month(MORE).lines]
    assert lines[2:] == [
        ("30 GB in the archive", 3.0),
        ("5 GB out of the archive", 0.15),
        ("60 GB to another Region", 1.2),
        ("300 images scanned (Inspector's bill)", 27.0),
        ("100 scans again (Inspector's bill)", 1.0),
    ]
    assert costs.month(MORE, "team").usd == costs.month(TEAM, "team").usd


def test_the_archive_costs_as_much_as_standard_storage_up_to_150_terabytes():
    assert prices.archive(150_000) == pytest.approx(150_000 * prices.usd("storage"))
    assert prices.archive(200_000) < 200_000 * prices.usd("storage")


def test_replication_costs_depend_on_the_destination():
    assert prices.replication("us-east-1", "us-east-1") == 0
    assert 0 < prices.replication("us-east-1", "us-east-2") < prices.replication("us-east-1", "eu-west-1")


def test_a_bill_is_plotted_with_the_highest_cost_on_top():
    picture = costs.plot_bill(replace(MORE, gb_pulled_in_the_region=900, gb_of_those_through_nat=900))
    assert picture.png.startswith(b"\x89PNG")
    lines = repr(picture).splitlines()
    assert lines[0] == "$   40.50  900 GB through NAT (VPC's bill)"
    assert len(lines) == len(costs.month(MORE).lines) + 2


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)), st.integers(-30, 30))
def test_first_of_month_is_midnight_of_the_first_day(moment, later):
    first = costs.first_of_month(moment, later)
    assert (first.day, first.hour, first.minute, first.second, first.microsecond) == (1, 0, 0, 0, 0)
    assert (first.year - moment.year) * 12 + first.month - moment.month == later
