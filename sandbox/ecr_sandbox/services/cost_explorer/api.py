"""Cost Explorer's GetCostAndUsage, answered from the meter.

The format is that of the API reference (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/,
"GetCostAndUsage"). The real service shows a cost up to 24 hours after the use, and a call costs $0.01. Here costs show
immediately and calls are free; hours need no opt-in; a repository's tags are its current ones.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import moto.ce.urls
from moto.ce.models import CostExplorerBackend, ce_backends

from ecr_sandbox.registry.usage import Meter
from ecr_sandbox.registry.usage_periods import after, begin, months_before, pieces

from . import errors
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


@dataclass(frozen=True)
class Period:
    """The requested time, and the unit of its steps."""

    start: int
    end: int
    unit: str

    @classmethod
    def parse(cls, asked: dict[str, str], granularity: str, now: float) -> "Period":
        """Read a ``TimePeriod``; raises ValidationException."""
        unit = {"HOURLY": "hour", "DAILY": "day", "MONTHLY": "month"}[granularity]
        period = cls(_time("Start", asked["Start"], unit), _time("End", asked["End"], unit), unit)
        period._check(now)
        return period

    def _check(self, now: float) -> None:
        if self.start >= self.end:
            raise errors.start_after_end()
        if self.end > after(now, "month"):
            raise errors.end_too_late()
        if self.unit == "hour" and self.start < begin(now, "day") - HOURLY_DAYS * 86400:
            raise errors.too_old_for_hours(HOURLY_DAYS)
        if self.start < months_before(now, KEPT_MONTHS):
            raise errors.too_old(KEPT_MONTHS)
        if self.start > now:
            raise errors.no_data()

    def shown(self, at: int) -> str:
        """A time of the answer, with its hour only if the granularity is hours."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ" if self.unit == "hour" else "%Y-%m-%d")


def answer(request: dict[str, Any], account: str, meter: Meter, tags: Tags) -> dict[str, Any]:
    """The body of a GetCostAndUsage answer; raises ValidationException."""
    _check_filter(request.get("Filter"))
    now = meter.clock()
    period = Period.parse(request["TimePeriod"], request["Granularity"], now)
    metrics = [_metric(name) for name in request["Metrics"]]
    groups = request.get("GroupBy") or []
    _check_groups(groups)
    billed = [_BilledLine(line, account, tags) for line in lines(meter, account, period.start, period.end, period.unit)]
    kept = [each for each in billed if _matches(request.get("Filter") or {}, each)]
    results = [
        {
            "TimePeriod": {"Start": period.shown(since), "End": period.shown(until)},
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
class _BilledLine:
    """A line of the bill, and the dimensions and tags that filters and groups use."""

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


def _result(billed: Sequence[_BilledLine], groups: Sequence[dict[str, str]], metrics: Sequence[str]) -> dict[str, Any]:
    if not groups:
        return {"Total": _amounts(billed, metrics), "Groups": []}
    found: dict[tuple[str, ...], list[_BilledLine]] = {}
    for each in billed:
        found.setdefault(tuple(_group(each, group) for group in groups), []).append(each)
    rows = [{"Keys": list(keys), "Metrics": _amounts(found[keys], metrics)} for keys in sorted(found)]
    return {"Total": {}, "Groups": rows}


def _group(billed: _BilledLine, group: dict[str, str]) -> str:
    key = group.get("Key", "")
    return f"{key}${billed.tag(key)}" if group.get("Type") == "TAG" else billed.dimension(key)


def _amounts(billed: Sequence[_BilledLine], metrics: Iterable[str]) -> dict[str, dict[str, str]]:
    cost = {"Amount": _number(sum(each.line.usd for each in billed)), "Unit": "USD"}
    units = {each.line.unit for each in billed}
    used = {
        "Amount": _number(sum(each.line.quantity for each in billed)),
        "Unit": units.pop() if len(units) == 1 else "N/A",  # GB and GB-months cannot be added, though AWS does it
    }
    none = {"Amount": "0", "Unit": "N/A"}  # only instances have a normalized size
    return {m: cost if m in COSTS else used if m == "UsageQuantity" else none for m in metrics}


def _number(amount: float) -> str:
    return f"{amount:.10f}".rstrip("0").rstrip(".")


def _matches(expression: dict[str, Any], billed: _BilledLine) -> bool:
    """Whether a filter selects the line; an empty filter selects every line."""
    for name, part in expression.items():
        if name == "And":
            good = all(_matches(each, billed) for each in part)
        elif name == "Or":
            good = any(_matches(each, billed) for each in part)
        elif name == "Not":
            good = not _matches(part, billed)
        elif name == "Dimensions":
            good = _equals(part, billed.dimension(part.get("Key", "")))
        else:
            good = _equals(part, billed.tag(part.get("Key", "")))
        if not good:
            return False
    return True


def _equals(part: dict[str, Any], value: str) -> bool:
    options = part.get("MatchOptions") or ["EQUALS"]
    if unknown := set(options) - {"EQUALS", "CASE_SENSITIVE", "ABSENT"}:
        raise errors.invalid_match_options(unknown)
    return value == "" if "ABSENT" in options else value in part.get("Values", [])


def _time(name: str, text: str, unit: str) -> int:
    form, shown = ("%Y-%m-%dT%H:%M:%SZ", "yyyy-MM-ddTHH:mm:ssZ") if unit == "hour" else ("%Y-%m-%d", "yyyy-MM-dd")
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise errors.invalid_time(name, text, shown) from None
    return begin(moment.timestamp(), "hour")


def _metric(name: str) -> str:
    """The name as the answer has it: AWS takes ``UNBLENDED_COST`` too (https://github.com/withcoral/coral/pull/1062)."""
    for known in (*COSTS, *QUANTITIES):
        if name.replace("_", "").lower() == known.lower():
            return known
    raise errors.invalid_metric(name, (*COSTS, *QUANTITIES))


def _check_groups(groups: Sequence[dict[str, str]]) -> None:
    if len(groups) > 2:
        raise errors.too_many_groups()
    for group in groups:
        if group.get("Type") not in GROUPS:
            raise errors.not_supported(f"Groups of type {group.get('Type')}")
        if group["Type"] == "DIMENSION" and group.get("Key") not in DIMENSIONS.split(", "):
            raise errors.invalid_group(DIMENSIONS)


def _check_filter(expression: Any) -> None:
    for name, part in expression.items() if isinstance(expression, dict) else ():
        if name in ("And", "Or", "Not"):
            for each in part if isinstance(part, list) else [part]:
                _check_filter(each)
        elif name not in ("Dimensions", "Tags"):
            raise errors.not_supported(name)


class Backend(CostExplorerBackend):
    """moto's Cost Explorer with the sandbox's bill."""

    meter: ClassVar[Meter]
    tags: ClassVar[Tags]

    @property
    def _url_module(self) -> Any:
        return moto.ce.urls  # moto would look for it in this class's package

    def get_cost_and_usage(self, body: str) -> dict[str, Any]:
        """moto only reads and writes the protocol."""
        return answer(json.loads(body), self.account_id, self.meter, type(self).tags)


def install(meter: Meter, tags: Tags | None = None) -> None:
    """Let moto's Cost Explorer answer from *meter*. Call it before moto's first answer for ``ce``.

    *tags* gives the tags of a repository; the default reads them from moto's ECR.
    """
    Backend.meter, Backend.tags = meter, staticmethod(tags or _tags_now)
    ce_backends.backend = Backend


def _tags_now(account: str, region: str, repository: str) -> dict[str, str]:
    from moto.ecr.models import ecr_backends

    ecr = ecr_backends[account][region]
    found = ecr.repositories.get(repository)
    return ecr.tagger.get_tag_dict_for_resource(found.arn) if found else {}
