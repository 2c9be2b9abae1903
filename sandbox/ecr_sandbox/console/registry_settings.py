"""*Features & Settings* of the private registry: scanning, blob mounting, replication."""

from typing import Any

from werkzeug.wrappers import Response

from .forms import lines
from .page import Page

MOST_DESTINATIONS = 3  # rows of the form


def scanning(page: Page) -> Response:
    """Basic or enhanced scanning, and the filters of each frequency."""
    form = page.request.form
    if page.is_post:
        kind = form.get("type", "BASIC")
        on_push = ["*"] if form.get("all") else lines(form.get("on_push", ""))
        rules = [_scan_rule(kind, "SCAN_ON_PUSH", on_push)]
        if kind == "ENHANCED":
            rules.append(_scan_rule(kind, "CONTINUOUS_SCAN", lines(form.get("continuous", ""))))
        chosen = [rule for rule in rules if rule["repositoryFilters"]]
        if page.attempt("ecr", "PutRegistryScanningConfiguration", scanType=kind, rules=chosen):
            return page.redirect(page.url("/ecr/private-registry/scanning"), "The scanning configuration was saved.")
    found = page.call("ecr", "GetRegistryScanningConfiguration")["scanningConfiguration"]
    filters = {rule["scanFrequency"]: _filters(rule) for rule in found.get("rules", [])}
    return page.render("scanning.html", kind=found["scanType"], filters=filters)


def _scan_rule(kind: str, frequency: str, filters: list[str]) -> dict[str, Any]:
    return {
        "scanFrequency": frequency,
        "repositoryFilters": [{"filter": each, "filterType": "WILDCARD"} for each in filters],
    }


def _filters(rule: dict[str, Any]) -> str:
    return "\n".join(each["filter"] for each in rule["repositoryFilters"])


def blob_mounting(page: Page) -> Response:
    """Whether a push may mount a layer of another repository."""
    setting = "BLOB_MOUNTING"
    if page.is_post:
        value = "ENABLED" if page.request.form.get("enabled") else "DISABLED"
        if page.attempt("ecr", "PutAccountSetting", name=setting, value=value):
            return page.redirect(page.url("/ecr/private-registry/blob-mounting"), f"Blob mounting is {value.lower()}.")
    found = page.call("ecr", "GetAccountSetting", name=setting)
    return page.render("blob_mounting.html", is_enabled=found.get("value") == "ENABLED")


def replication(page: Page) -> Response:
    """The rules of replication: where images are copied, and of which repositories."""
    read = page.quiet_call if page.is_post else page.call
    found = read("ecr", "DescribeRegistry")["replicationConfiguration"]["rules"]
    here = page.url("/ecr/private-registry/replication")
    form = page.request.form
    if page.is_post and (number := form.get("remove", type=int)) is not None:
        kept = [rule for index, rule in enumerate(found) if index != number]
        return _replicate(page, here, kept, "The rule was deleted.") or _replication(page, found)
    if page.is_post:
        rule = {"destinations": _destinations(page)}
        if prefixes := lines(form.get("prefixes", "")):
            rule["repositoryFilters"] = [{"filter": each, "filterType": "PREFIX_MATCH"} for each in prefixes]
        return _replicate(page, here, [*found, rule], "The rule was added.") or _replication(page, found)
    return _replication(page, found)


def _destinations(page: Page) -> list[dict[str, str]]:
    given = zip(page.request.form.getlist("region"), page.request.form.getlist("account"), strict=False)
    return [{"region": region, "registryId": account.strip() or page.account} for region, account in given if region]


def _replicate(page: Page, here: str, rules: list[dict[str, Any]], done: str) -> Response | None:
    if page.attempt("ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": rules}):
        return page.redirect(here, done)
    return None


def _replication(page: Page, rules: list[dict[str, Any]]) -> Response:
    return page.render("replication.html", rules=rules, rows=range(MOST_DESTINATIONS))
