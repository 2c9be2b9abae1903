"""Cost Explorer answers from the meter, with AWS's response format and error messages.

A real boto3 client calls moto's ``ce``, which uses our backend.
"""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.ce.models import ce_backends

from ecr_sandbox.registry.usage import GB, Meter
from ecr_sandbox.services.cost_explorer import api
from ecr_sandbox.state.store import Store

ME, OTHER = "123456789012", "111122223333"
ECR = "Amazon EC2 Container Registry (ECR)"
STORAGE, OUT = "TimedStorage-ByteHrs", "DataTransfer-Out-Bytes"
TAGS = {"app": {"made-by": "learn-amazon-ecr"}}
HALF_MONTH = {"Start": "2026-11-01", "End": "2026-11-16"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class Clock:
    now = at("2026-11-16T12:00")

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meter(tmp_path, clock):
    store = Store(tmp_path / "state.db")
    yield Meter(store, clock)
    store.close()


@pytest.fixture
def ce(meter, monkeypatch):
    monkeypatch.setattr(ce_backends, "backend", ce_backends.backend)  # restores moto's backend afterwards
    api.install(meter, lambda account, region, repository: TAGS.get(repository, {}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield boto3.client("ce", region_name="us-east-1")


@pytest.fixture
def used(meter, clock):
    """10 GB stored since the 1st, 20 GB in Ireland since the 11th; 102 GB out on the 2nd, 1 GB on the 12th."""
    now = clock.now
    for when, region, repository, kept, sent in (
        ("2026-11-01", "us-east-1", "app", 10, 0),
        ("2026-11-02", "us-east-1", "app", 10, 102),
        ("2026-11-11", "eu-west-1", "web", 20, 0),
        ("2026-11-12", "eu-west-1", "web", 20, 1),
    ):
        clock.now = at(when)
        meter.stored(ME, region, repository, kept * GB)
        meter.sent(ME, region, repository, sent * GB)
    clock.now = now


def ask(ce, period=HALF_MONTH, granularity="MONTHLY", metrics=("UnblendedCost",), **more):
    answer = ce.get_cost_and_usage(TimePeriod=period, Granularity=granularity, Metrics=list(metrics), **more)
    del answer["ResponseMetadata"]
    return answer


def by(*keys, kind="DIMENSION"):
    return {"GroupBy": [{"Type": kind, "Key": key} for key in keys]}


def amounts(answer, metric="UnblendedCost"):
    """The amounts of the first period by group."""
    groups = answer["ResultsByTime"][0]["Groups"]
    return {tuple(group["Keys"]): round(float(group["Metrics"][metric]["Amount"]), 6) for group in groups}


def test_without_usage_the_cost_is_zero(ce):
    assert ask(ce, metrics=["UnblendedCost", "UsageQuantity"]) == {
        "ResultsByTime": [
            {
                "TimePeriod": HALF_MONTH,
                "Total": {
                    "UnblendedCost": {"Amount": "0", "Unit": "USD"},
                    "UsageQuantity": {"Amount": "0", "Unit": "N/A"},
                },
                "Groups": [],
                "Estimated": True,
            }
        ],
        "DimensionValueAttributes": [],
    }
    assert ask(ce, **by("SERVICE"))["ResultsByTime"][0]["Groups"] == []


def test_enhanced_scans_are_billed_as_amazon_inspector(ce, meter):
    meter.scanned(ME, "us-east-1", "app", first=True)
    meter.replicated(ME, "us-east-1", "app", 10 * GB, "eu-west-1")
    period = {"Start": "2026-11-01", "End": "2026-12-01"}
    assert amounts(ask(ce, period, **by("SERVICE"))) == {("Amazon Inspector",): 0.09, (ECR,): 0.2}
    units = ask(ce, period, metrics=["UsageQuantity"], **by("USAGE_TYPE"))["ResultsByTime"][0]["Groups"]
    assert {tuple(each["Keys"]): each["Metrics"]["UsageQuantity"] for each in units} == {
        ("ECR-InitialScan",): {"Amount": "1", "Unit": "Images"},
        ("USE1-EU-AWS-Out-Bytes",): {"Amount": "10", "Unit": "GB"},
    }


def test_the_whole_cost_of_half_a_month(ce, used):
    [result] = ask(ce)["ResultsByTime"]
    # 10 GB for 15 of 30 days, 20 GB for 5 of 30 days; 103 GB out, the first 100 of them free
    assert float(result["Total"]["UnblendedCost"]["Amount"]) == pytest.approx(0.5 + 20 * 5 / 30 * 0.10 + 0.27)


def test_group_by_usage_type_with_units(ce, used):
    answer = ask(ce, metrics=["UnblendedCost", "UsageQuantity"], **by("USAGE_TYPE"))
    assert answer["GroupDefinitions"] == [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}]
    assert answer["ResultsByTime"][0]["Total"] == {}
    assert amounts(answer) == {
        (OUT,): 0.18,
        (STORAGE,): 0.5,
        ("EU-" + OUT,): 0.09,
        ("EU-" + STORAGE,): 0.333333,
    }
    assert amounts(answer, "UsageQuantity") == {
        (OUT,): 102,
        (STORAGE,): 5,
        ("EU-" + OUT,): 1,
        ("EU-" + STORAGE,): 3.333333,
    }
    units = {
        group["Keys"][0]: group["Metrics"]["UsageQuantity"]["Unit"] for group in answer["ResultsByTime"][0]["Groups"]
    }
    assert (units[OUT], units[STORAGE]) == ("GB", "GB-Mo")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("SERVICE", {(ECR,): 1.103333}),
        ("REGION", {("us-east-1",): 0.68, ("eu-west-1",): 0.423333}),
        ("LINKED_ACCOUNT", {(ME,): 1.103333}),
        ("RECORD_TYPE", {("Usage",): 1.103333}),
        ("INSTANCE_TYPE", {("NoInstanceType",): 1.103333}),
    ],
)
def test_group_by_one_dimension(ce, used, key, expected):
    assert amounts(ask(ce, **by(key))) == expected


def test_group_by_two_dimensions_and_by_tag(ce, used):
    assert amounts(ask(ce, **by("SERVICE", "REGION"))) == {(ECR, "us-east-1"): 0.68, (ECR, "eu-west-1"): 0.423333}
    tagged = ask(ce, **by("made-by", kind="TAG"))
    assert amounts(tagged) == {("made-by$learn-amazon-ecr",): 0.68, ("made-by$",): 0.423333}


def test_the_sum_of_mixed_units_has_no_unit(ce, used):
    answer = ask(ce, metrics=["UsageQuantity", "NormalizedUsageAmount"], **by("SERVICE"))
    [group] = answer["ResultsByTime"][0]["Groups"]
    assert group["Metrics"]["UsageQuantity"]["Unit"] == "N/A"
    assert group["Metrics"]["NormalizedUsageAmount"] == {"Amount": "0", "Unit": "N/A"}


@pytest.mark.parametrize(
    ("expression", "usd"),
    [
        ({"Dimensions": {"Key": "REGION", "Values": ["eu-west-1"]}}, 0.423333),
        ({"Dimensions": {"Key": "SERVICE", "Values": [ECR]}}, 1.103333),
        ({"Dimensions": {"Key": "SERVICE", "Values": ["Amazon Simple Storage Service"]}}, 0),
        ({"Dimensions": {"Key": "SERVICE_CODE", "Values": ["AmazonECR"]}}, 1.103333),
        ({"Not": {"Dimensions": {"Key": "REGION", "Values": ["eu-west-1"]}}}, 0.68),
        ({"Tags": {"Key": "made-by", "Values": ["learn-amazon-ecr"]}}, 0.68),
        ({"Tags": {"Key": "made-by", "MatchOptions": ["ABSENT"]}}, 0.423333),
        (
            {
                "And": [
                    {"Dimensions": {"Key": "REGION", "Values": ["us-east-1"]}},
                    {"Dimensions": {"Key": "USAGE_TYPE", "Values": [STORAGE]}},
                ]
            },
            0.5,
        ),
        (
            {
                "Or": [
                    {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["EU-" + OUT]}},
                    {"Dimensions": {"Key": "USAGE_TYPE", "Values": [STORAGE]}},
                ]
            },
            0.59,
        ),
    ],
)
def test_filters(ce, used, expression, usd):
    [result] = ask(ce, Filter=expression)["ResultsByTime"]
    assert float(result["Total"]["UnblendedCost"]["Amount"]) == pytest.approx(usd, abs=1e-6)


def test_daily_granularity(ce, used):
    results = ask(ce, granularity="DAILY")["ResultsByTime"]
    assert [result["TimePeriod"] for result in results[:2]] == [
        {"Start": "2026-11-01", "End": "2026-11-02"},
        {"Start": "2026-11-02", "End": "2026-11-03"},
    ]
    assert len(results) == 15
    paid = [float(result["Total"]["UnblendedCost"]["Amount"]) for result in results]
    assert paid[0] == pytest.approx(10 / 30 * 0.10)
    assert paid[1] == pytest.approx(10 / 30 * 0.10 + 2 * 0.09)
    assert sum(paid) == pytest.approx(1.103333, abs=1e-6)


def test_hourly_granularity(ce, used):
    period = {"Start": "2026-11-12T00:00:00Z", "End": "2026-11-12T03:00:00Z"}
    results = ask(ce, period, "HOURLY", **by("USAGE_TYPE"))["ResultsByTime"]
    assert [result["TimePeriod"]["Start"] for result in results] == [
        "2026-11-12T00:00:00Z",
        "2026-11-12T01:00:00Z",
        "2026-11-12T02:00:00Z",
    ]
    assert ["EU-" + OUT in str(result["Groups"]) for result in results] == [True, False, False]


def test_a_complete_month_is_not_estimated(ce, meter, clock):
    clock.now = at("2026-10-30")
    meter.stored(ME, "us-east-1", "app", 31 * GB)
    clock.now = at("2026-11-16T12:00")
    october, november = ask(ce, {"Start": "2026-10-01", "End": "2026-12-01"})["ResultsByTime"]
    assert (october["Estimated"], november["Estimated"]) == (False, True)
    assert october["TimePeriod"] == {"Start": "2026-10-01", "End": "2026-11-01"}
    assert october["Total"]["UnblendedCost"] == {"Amount": "0.2", "Unit": "USD"}


def test_another_account_sees_its_own_bill(ce, meter, used, clock):
    meter.stored(OTHER, "us-east-1", "app", 30 * GB)
    clock.now += 86400
    question = {"TimePeriod": {"Start": "2026-11-01", "End": "2026-12-01"}, "Granularity": "MONTHLY"}
    answer = api.answer({**question, "Metrics": ["UnblendedCost"]}, OTHER, meter, lambda *_: {})
    assert answer["ResultsByTime"][0]["Total"]["UnblendedCost"]["Amount"] == "0.1"


def test_a_metric_name_can_be_in_capitals(ce, used):
    assert ask(ce, metrics=["UNBLENDED_COST"]) == ask(ce, metrics=["UnblendedCost"])


def refused(ce, **parameters):
    with pytest.raises(ClientError) as error:
        ask(ce, **parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("start", "end", "granularity", "expected"),
    [
        ("2026-11-02", "2026-11-02", "DAILY", "Start date (and hour) should be before end date (and hour)"),
        ("2026-11-03", "2026-11-02", "MONTHLY", "Start date (and hour) should be before end date (and hour)"),
        ("2026-11-02", "2026-12-02", "DAILY", "end date past the beginning of next month"),
        ("2025-09-01", "2026-11-02", "MONTHLY", "You haven't enabled historical data beyond 14 months"),
        ("", "2026-11-02", "MONTHLY", "Start time  is invalid. Valid format is: yyyy-MM-dd."),
        ("2026-11-02", "tomorrow", "MONTHLY", "End time tomorrow is invalid. Valid format is: yyyy-MM-dd."),
        (
            "2026-11-02",
            "2026-11-03",
            "HOURLY",
            "Start time 2026-11-02 is invalid. Valid format is: yyyy-MM-ddTHH:mm:ssZ.",
        ),
        (
            "2026-11-01T23:00:00Z",
            "2026-11-03T00:00:00Z",
            "HOURLY",
            "start date is too old for hourly, the max supported days for hourly granularity is 14 days",
        ),
    ],
)
def test_an_invalid_time(ce, start, end, granularity, expected):
    period = {"Start": start, "End": end}
    assert refused(ce, period=period, granularity=granularity) == ("ValidationException", expected)


def test_a_start_in_the_future_has_no_data(ce):
    code, message = refused(ce, period={"Start": "2026-11-20", "End": "2026-11-21"})
    assert code == "DataUnavailableException"
    assert message.startswith("Data is not available. Please try to adjust the time period.")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (by("SERVICE", "REGION", "AZ"), "Only two values for GroupBy are allowed"),
        (by("COLOUR"), "Group Definition dimension is invalid. Valid values are AZ, INSTANCE_TYPE, LINKED_ACCOUNT, "),
        (by("x", kind="COST_CATEGORY"), "Groups of type COST_CATEGORY are not part of this sandbox"),
        ({"metrics": ["Love"]}, "Metric Love is invalid. Valid values are AmortizedCost, "),
        (
            {"Filter": {"Dimensions": {"Key": "REGION", "Values": ["eu"], "MatchOptions": ["STARTS_WITH"]}}},
            "MatchOptions STARTS_WITH are not valid here",
        ),
        ({"Filter": {"CostCategories": {"Key": "x", "Values": ["y"]}}}, "CostCategories are not part of this sandbox"),
    ],
)
def test_an_invalid_request(ce, used, parameters, expected):
    code, message = refused(ce, **parameters)
    assert code == "ValidationException"
    assert message.startswith(expected)


def test_tags_are_read_from_existing_repositories(ce, meter, used):
    ecr = boto3.client("ecr", region_name="us-east-1")
    ecr.create_repository(repositoryName="app", tags=[{"Key": "team", "Value": "web"}])
    api.install(meter)
    assert amounts(ask(ce, **by("team", kind="TAG"))) == {("team$web",): 0.68, ("team$",): 0.423333}
