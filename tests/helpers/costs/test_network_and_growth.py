"""The ways out of a private network, a replica's storage, and storage that grows."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox import prices
from helpers import costs
from helpers.costs import Team


def test_two_interface_endpoints_cost_14_60_a_month_in_each_zone():
    *_, endpoints = costs.ways(600)
    assert endpoints.usd == pytest.approx(14.60)
    assert costs.ways(600, zones=3)[-1].usd == pytest.approx(3 * 14.60)


def test_the_free_s3_gateway_endpoint_saves_what_nat_takes_for_a_gigabyte():
    nat, with_s3, _ = costs.ways(600)
    assert nat.usd - with_s3.usd == pytest.approx(600 * 0.045)
    assert with_s3.usd == pytest.approx(730 * 0.045)
    assert prices.usd("s3_gateway", "beside_ecr") == 0


def test_the_ways_are_printed_with_what_is_not_verified(capsys):
    costs.compare_ways(600)
    output = capsys.readouterr().out
    assert "600 GB through NAT (VPC's bill)" in output
    assert "2 interface endpoints, 1 Availability Zone (VPC's bill)" in output
    assert "The S3 gateway endpoint costs $0: layers come from Amazon S3." in output
    assert "  NAT gateway: $0.045 per hour (" in output
    assert "gateway endpoint for S3:" not in output  # AWS's documentation says that it is free
    assert max(map(len, output.splitlines())) <= 120


def test_a_replica_is_stored_again():
    alone, twice = Team(1, 60), Team(1, 60, replica_regions=2)
    assert costs.month(twice).usd - costs.month(alone).usd == pytest.approx(2 * 60 * 0.10)
    assert [line.what for line in costs.month(twice).lines] == ["60 GB stored", "120 GB stored in other Regions"]


def test_docker_hub_needs_the_nat_gateway_too_but_has_no_endpoints():
    team = Team(5, 0, nat_gateways=1, endpoint_zones=1)
    assert costs.month(team, "team").usd == pytest.approx(75 + 730 * 0.045)


def test_a_ramp_is_half_of_its_end():
    assert costs.gb_months(60) == 30
    assert costs.gb_months(60, 2) == 90
    assert costs.usd_of_month(60) == pytest.approx(3)


def test_a_rule_keeps_storage_level():
    assert costs.gb_months(60, 1, kept_gb=60) == 30
    assert costs.gb_months(60, 2, kept_gb=60) == 60
    assert costs.gb_months(60, 1, kept_gb=30) == pytest.approx(7.5 + 15)
    assert costs.gb_months(0, 5, kept_gb=30) == 0


@given(st.floats(0, 1e4), st.integers(1, 60), st.floats(0, 1e4) | st.just(inf))
def test_a_rule_never_costs_more_and_keeps_its_limit(added, month, kept):
    with_rule = costs.gb_months(added, month, kept)
    assert -1e-6 <= with_rule <= min(costs.gb_months(added, month), kept) + 1e-6


@pytest.mark.parametrize(("added", "month", "kept"), [(-1, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_impossible_growth_is_refused(added, month, kept):
    with pytest.raises(ValueError, match="no growth"):
        costs.gb_months(added, month, kept)


def test_plots_of_ways_and_growth_have_a_text():
    ways, growth = costs.plot_ways(600), costs.plot_growth(60, months=12, kept_gb=20)
    assert ways.png.startswith(b"\x89PNG")
    assert growth.png.startswith(b"\x89PNG")
    assert repr(ways).splitlines()[-1] == "$   14.60  S3 gateway endpoint + interface endpoints"
    assert repr(growth).splitlines() == [
        "Keep everything: $3.00 in month 1, $69.00 in month 12.",
        "Keep 20 GB: $1.67 in month 1, $2.00 in month 12.",
    ]
    assert repr(costs.plot_growth(60, months=2)) == "Keep everything: $3.00 in month 1, $9.00 in month 2."
