"""The principals that a resource's policy names: which AWS takes, and the unique ids as which it stores them.

A user or role that is deleted and created again has another unique id, so a policy that named the old one does not
apply to the new one. AWS shows an id as the ARN, unless the principal is deleted.
Sources, both in https://docs.aws.amazon.com/IAM/latest/UserGuide/: ``reference_policies_elements_principal.html``
("IAM role principals", Important), ``reference_identifiers.html`` ("Unique identifiers").
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from . import principals
from .policy import Malformed, as_list, parse

FORMS = {
    "AWS": re.compile(
        r"\*|\d{12}|arn:aws:iam::\d{12}:(root|(user|role)/[^*?\s]+)"
        r"|arn:aws:sts::\d{12}:(assumed-role/[^/*?\s]+/[^/*?\s]+|federated-user/[^/*?\s]+)"
        r"|A(IDA|ROA)[A-Z0-9]{16,}(:[^/*?\s]+)?",
        re.ASCII,
    ),
    "Service": re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal)", re.ASCII),
    "Federated": re.compile(
        r"arn:aws:iam::\d{12}:(saml|oidc)-provider/[^*?\s]+|[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE
    ),
}


class InvalidPrincipal(ValueError):
    """AWS does not take the principal *name* of this *kind* (``AWS``, ``Service``, …)."""

    def __init__(self, kind: str, name: str):
        super().__init__(f"{kind} {name}")
        self.kind, self.name = kind, name


class UnknownPrincipal(InvalidPrincipal):
    """The principal has a valid form, but the user or role does not exist."""


def check(text: str) -> None:
    """Return if AWS takes each principal that *text*, a valid policy, names; raises InvalidPrincipal.

    Users and roles of the sandbox's accounts must exist. Those of other accounts are not known.
    """
    for kind, name in _named(json.loads(text)):
        if kind not in FORMS or not FORMS[kind].fullmatch(name):
            raise InvalidPrincipal(kind, name)
        if kind == "AWS" and not _may_exist(name):
            raise UnknownPrincipal(kind, name)


def stored(text: str) -> str:
    """The policy *text* with the unique ids of the users and roles that it names, as AWS stores it."""
    return _replaced(text, principals.unique_id)


def shown(text: str) -> str:
    """The stored policy *text* with ARNs in the place of the unique ids of users and roles that exist."""
    return _replaced(text, principals.arn_of)


def _may_exist(name: str) -> bool:
    parts = name.split(":")
    if len(parts) < 6:
        return not name.startswith("A") or principals.arn_of(name) is not None
    is_known = parts[4] not in principals.ADMINISTRATORS.values() or parts[5] == "root"
    return is_known or parts[5].startswith("federated-user/") or principals.unique_id(name) is not None


def _replaced(text: str, other: Callable[[str], str | None]) -> str:
    """*text* with each principal of kind AWS replaced by its *other* name, if it has one. Other text is unchanged."""
    try:
        parse(text)
    except Malformed:
        return text
    document = json.loads(text)
    before = list(_named(document))
    for principal in _principals(document):
        if "AWS" in principal:
            names = principal["AWS"]
            replaced = [other(each) or each for each in as_list(names)]
            principal["AWS"] = replaced if isinstance(names, list) else replaced[0]
    if list(_named(document)) == before:
        return text
    return json.dumps(document, indent=2 if "\n" in text else None)


def _named(document: Any) -> Iterator[tuple[str, str]]:
    for principal in _principals(document):
        for kind, names in principal.items():
            for name in as_list(names):
                yield kind, name


def _principals(document: Any) -> Iterator[dict[str, Any]]:
    """The Principal and NotPrincipal elements that are objects; the other form is ``"*"``."""
    for statement in as_list(document["Statement"]):
        for element in ("Principal", "NotPrincipal"):
            if isinstance(statement.get(element), dict):
                yield statement[element]
