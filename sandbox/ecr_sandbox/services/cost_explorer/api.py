"""Cost Explorer's GetCostAndUsage, answered from the meter.

The shape is the API reference's (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/,
"GetCostAndUsage"). The real service lags: a cost shows up to 24 hours after the use, and a call costs $0.01. This one
answers at once and costs nothing; hours need no opting in; a repository's tags are those it has now.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

import botocore.session
import moto.ce.urls
from botocore.model import Shape
from ecr_sandbox.aws.validation import faults
from ecr_sandbox.registry.usage import Meter
from ecr_sandbox.registry.usage_periods import after, begin, months_before, pieces
from moto.ce.models import CostExplorerBackend, ce_backends
from moto.core.exceptions import JsonRESTError

from .bill_lines import ECR, INSPECTOR, Line, lines

Tags = Callable[[str, str, str], dict[str, str]]  # account, Region, repository -> its tags

CODES = {ECR: "AmazonECR", INSPECTOR: "AmazonInspectorV2"}
COSTS = ("AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost", "UnblendedCost")
QUANTITIES = ("UsageQuantity", "NormalizedUsageAmount")
DIMENSIONS = (
    "AZ, INSTANCE_TYPE, LINKED_ACCOUNT, OPERATION, PURCHASE_TYPE, SERVICE, USAGE_TYPE, PLATFORM, TENANCY, RECORD_TYPE, "
    "LEGAL_ENTITY_NAME, DEPLOYMENT_OPTION, DATABASE_ENGINE, CACHE_ENGINE, INSTANCE_TYPE_FAMILY, REGION, "
    "BILLING_ENTITY, RESERVATION_ID, RESOURCE_ID, SAVINGS_PLANS_TYPE, SAVINGS_PLAN_ARN, OPERATING_SYSTEM"
)
GROUPS = ("DIMENSION", "TAG")
HOURLY_DAYS, KEPT_MONTHS = 14, 14


class Invalid(JsonRESTError):
    """A refusal in Cost Explorer's words; each sentence says at its use where it was seen."""

    code = 400

    def __init__(self, message: str, error: str = "ValidationException"):
        super().__init__(error, message)


@dataclass(frozen=True)
class Period:
    """The time that was asked about, and the steps to tell it in."""

    start: int
    end: int
    unit: str

    @classmethod
    def parse(cls, asked: dict[str, str], granularity: str, now: float) -> "Period":
        """Read a ``TimePeriod``; raises Invalid as AWS does."""
        unit = {"HOURLY": "hour", "DAILY": "day", "MONTHLY": "month"}[granularity]
        period = cls(_time("Start", asked["Start"], unit), _time("End", asked["End"], unit), unit)
        period._check(now)
        return period

    def _check(self, now: float) -> None:
        if self.start >= self.end:
            # https://github.com/zoph-io/instance-watcher/issues/18
            raise Invalid("Start date (and hour) should be before end date (and hour)")
        if self.end > after(now, "month"):
            # https://github.com/aws/aws-sdk-js/issues/2732
            raise Invalid("end date past the beginning of next month")
        if self.unit == "hour" and self.start < begin(now, "day") - HOURLY_DAYS * 86400:
            # https://github.com/aws/aws-sdk-net/issues/1773
            raise Invalid(
                f"start date is too old for hourly, the max supported days for hourly granularity is {HOURLY_DAYS} days"
            )
        if self.start < months_before(now, KEPT_MONTHS):
            # As printed in several public tools; an account has to ask for more than 14 months.
            raise Invalid(f"You haven't enabled historical data beyond {KEPT_MONTHS} months")
        if self.start > now:
            # The sentence is AWS's; that it is said of a start in the future is our guess.
            raise Invalid(
                "Data is not available. Please try to adjust the time period."
                " If just enabled Cost Explorer, data might not be ingested yet",
                "DataUnavailableException",
            )

    def tell(self, at: int) -> str:
        """A time of the answer, with its hour only where hours were asked for."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ" if self.unit == "hour" else "%Y-%m-%d")


def answer(request: dict[str, Any], account: str, meter: Meter, tags: Tags) -> dict[str, Any]:
    """The body of a GetCostAndUsage answer; raises Invalid."""
    _check_shape(request)
    now = meter.clock()
    period = Period.parse(request["TimePeriod"], request["Granularity"], now)
    metrics = [_metric(name) for name in request["Metrics"]]
    groups = request.get("GroupBy") or []
    _check_groups(groups)
    told = [_Told(line, account, tags) for line in lines(meter, account, period.start, period.end, period.unit)]
    kept = [each for each in told if _matches(request.get("Filter") or {}, each)]
    results = [
        {
            "TimePeriod": {"Start": period.tell(since), "End": period.tell(until)},
            **_result([each for each in kept if since <= each.line.at < until], groups, metrics),
            "Estimated": after(since, "month") > now,
        }
        for since, until in pieces(period.start, period.end, period.unit)
    ]
    return {
        **({"GroupDefinitions": groups} if groups else {}),
        "ResultsByTime": results,
        "DimensionValueAttributes": [],
    }


@dataclass(frozen=True)
class _Told:
    """A line of the bill, and the words that filters and groups know it by."""

    line: Line
    account: str
    tags: Tags

    def dimension(self, key: str) -> str:
        known = {
            "SERVICE": self.line.service,
            "SERVICE_CODE": CODES[self.line.service],
            "REGION": self.line.region,
            "USAGE_TYPE": self.line.usage_type,
            "LINKED_ACCOUNT": self.account,
            "RECORD_TYPE": "Usage",
        }
        return known.get(key, "No" + key.title().replace("_", ""))

    def tag(self, key: str) -> str:
        return self.tags(self.account, self.line.region, self.line.repository).get(key, "")


def _result(told: Sequence[_Told], groups: Sequence[dict[str, str]], metrics: Sequence[str]) -> dict[str, Any]:
    if not groups:
        return {"Total": _amounts(told, metrics), "Groups": []}
    found: dict[tuple[str, ...], list[_Told]] = {}
    for each in told:
        found.setdefault(tuple(_group(each, group) for group in groups), []).append(each)
    rows = [{"Keys": list(keys), "Metrics": _amounts(found[keys], metrics)} for keys in sorted(found)]
    return {"Total": {}, "Groups": rows}


def _group(told: _Told, group: dict[str, str]) -> str:
    key = group.get("Key", "")
    return f"{key}${told.tag(key)}" if group.get("Type") == "TAG" else told.dimension(key)


def _amounts(told: Sequence[_Told], metrics: Iterable[str]) -> dict[str, dict[str, str]]:
    cost = {"Amount": _number(sum(each.line.usd for each in told)), "Unit": "USD"}
    units = {each.line.unit for each in told}
    used = {
        "Amount": _number(sum(each.line.quantity for each in told)),
        "Unit": units.pop() if len(units) == 1 else "N/A",  # GB and GB-months make no sum; AWS adds them all the same
    }
    none = {"Amount": "0", "Unit": "N/A"}  # only instances have a normalized size
    return {m: cost if m in COSTS else used if m == "UsageQuantity" else none for m in metrics}


def _number(amount: float) -> str:
    return f"{amount:.10f}".rstrip("0").rstrip(".")


def _matches(expression: dict[str, Any], told: _Told) -> bool:
    """Whether a line is one that the filter asks for; an empty filter asks for all."""
    for name, part in expression.items():
        if name == "And":
            good = all(_matches(each, told) for each in part)
        elif name == "Or":
            good = any(_matches(each, told) for each in part)
        elif name == "Not":
            good = not _matches(part, told)
        elif name == "Dimensions":
            good = _equals(part, told.dimension(part.get("Key", "")))
        else:
            good = _equals(part, told.tag(part.get("Key", "")))
        if not good:
            return False
    return True


def _equals(part: dict[str, Any], value: str) -> bool:
    options = part.get("MatchOptions") or ["EQUALS"]
    if unknown := set(options) - {"EQUALS", "CASE_SENSITIVE", "ABSENT"}:
        raise Invalid(f"MatchOptions {', '.join(sorted(unknown))} are not valid here")  # the sentence is ours
    return value == "" if "ABSENT" in options else value in part.get("Values", [])


def _time(name: str, text: str, unit: str) -> int:
    form, said = ("%Y-%m-%dT%H:%M:%SZ", "yyyy-MM-ddTHH:mm:ssZ") if unit == "hour" else ("%Y-%m-%d", "yyyy-MM-dd")
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        # Seen with an empty date in a public log; for hours the form is the API reference's.
        raise Invalid(f"{name} time {text} is invalid. Valid format is: {said}.") from None
    return begin(moment.timestamp(), "hour")


def _metric(name: str) -> str:
    """The name as the answer has it: AWS takes ``UNBLENDED_COST`` too (https://github.com/withcoral/coral/pull/1062)."""
    for known in (*COSTS, *QUANTITIES):
        if name.replace("_", "").lower() == known.lower():
            return known
    # The sentence is ours.
    raise Invalid(f"Metric {name} is invalid. Valid values are {', '.join((*COSTS, *QUANTITIES))}")


def _check_groups(groups: Sequence[dict[str, str]]) -> None:
    if len(groups) > 2:
        raise Invalid("Only two values for GroupBy are allowed")  # as quoted in a public bug report
    for group in groups:
        if group.get("Type") not in GROUPS:
            raise Invalid(f"Groups of type {group.get('Type')} are not part of this sandbox")
        if group["Type"] == "DIMENSION" and group.get("Key") not in DIMENSIONS.split(", "):
            # As printed for GetCostAndUsageWithResources.
            raise Invalid(f"Group Definition dimension is invalid. Valid values are {DIMENSIONS}")


def _check_filter(expression: Any) -> None:
    for name, part in expression.items() if isinstance(expression, dict) else ():
        if name in ("And", "Or", "Not"):
            for each in part if isinstance(part, list) else [part]:
                _check_filter(each)
        elif name not in ("Dimensions", "Tags"):
            raise Invalid(f"{name} are not part of this sandbox")


def _check_shape(request: Any) -> None:
    _check_filter(request.get("Filter") if isinstance(request, dict) else None)  # its patterns are Java's, not ours
    for name, constraint in faults(_shape(), request):
        if name.startswith("TimePeriod.") and "regular expression" in constraint:
            continue  # AWS has a sentence of its own for a date
        raise Invalid(f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {constraint}")


@cache
def _shape() -> Shape:
    model = botocore.session.Session().get_service_model("ce").operation_model("GetCostAndUsage")
    assert model.input_shape
    return model.input_shape


class Backend(CostExplorerBackend):
    """moto's Cost Explorer with a real bill."""

    meter: ClassVar[Meter]
    tags: ClassVar[Tags]

    @property
    def _url_module(self) -> Any:
        return moto.ce.urls  # moto would look for it beside this class

    def get_cost_and_usage(self, body: str) -> dict[str, Any]:
        """The whole of moto's part in it is the protocol."""
        return answer(json.loads(body), self.account_id, self.meter, type(self).tags)


def install(meter: Meter, tags: Tags | None = None) -> None:
    """Let moto's Cost Explorer answer from *meter*. To be called before moto answers anything for ``ce``.

    *tags* tells the tags of a repository; without it they are read from moto's ECR.
    """
    Backend.meter, Backend.tags = meter, staticmethod(tags or _tags_now)
    ce_backends.backend = Backend


def _tags_now(account: str, region: str, repository: str) -> dict[str, str]:
    from moto.ecr.models import ecr_backends

    ecr = ecr_backends[account][region]
    found = ecr.repositories.get(repository)
    return ecr.tagger.get_tag_dict_for_resource(found.arn) if found else {}
