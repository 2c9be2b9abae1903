"""The bill of the current month so far, by the sandbox's clock."""

from datetime import UTC, datetime, timedelta

from werkzeug.wrappers import Response

from .page import Page


def index(page: Page) -> Response:
    """What each kind of use costs, from Cost Explorer."""
    first = datetime.fromtimestamp(page.sandbox.now(), UTC).date().replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1)
    by = [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}]
    answer = page.call(
        "ce",
        "GetCostAndUsage",
        TimePeriod={"Start": f"{first}", "End": f"{last}"},
        Granularity="MONTHLY",
        Metrics=["UnblendedCost", "UsageQuantity"],
        GroupBy=by,
    )
    groups = [group for part in answer["ResultsByTime"] for group in part["Groups"]]
    total = sum(float(group["Metrics"]["UnblendedCost"]["Amount"]) for group in groups)
    return page.render("bill.html", month=first.strftime("%B %Y"), groups=groups, total=total)
