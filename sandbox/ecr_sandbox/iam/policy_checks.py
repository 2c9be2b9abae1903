"""Whether IAM and STS accept a policy document. What they accept here, ``policy.parse`` can read: no Deny is lost.

Sources: ``errors.py``; IAM user guide, ``reference_policies_grammar.html`` and ``reference_iam-quotas.html``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from . import errors, principal_names
from .patterns import glob, literal_brackets
from .policy import VERSIONS, WITH_VARIABLES, Malformed, Policy, as_list, missing_fields, parse

# The actions that assume a role, and those that a session's properties need: Service Authorization Reference, STS.
TRUST_ACTIONS = (
    *("assumerole", "assumerolewithsaml", "assumerolewithwebidentity"),
    *("tagsession", "setsourceidentity", "setcontext"),
)
SID = re.compile("[0-9A-Za-z]*")
# Characters, without white space except in a session policy. Inline policies count together.
MOST_INLINE = {"user": 2048, "group": 5120, "role": 10240}
MOST_MANAGED, MOST_TRUST, MOST_SESSION = 6144, 2048, 2048


def check_managed_policy(text: str) -> None:
    """Raises MalformedPolicyDocument or LimitExceededException for the document of a managed policy."""
    _check_identity_policy(text)
    if _size(text) > MOST_MANAGED:
        raise errors.quota_exceeded("PolicySize", MOST_MANAGED)


def check_inline_policy(text: str, kind: str, name: str, others: Iterable[str]) -> None:
    """The same for an inline policy of the *kind* (``user``, …) *name*, which has these *others*.

    An inline policy can have the older version, a managed policy cannot: [versitygw] and [localstack] in ``errors.py``.
    """
    _check_identity_policy(text, any_version=True)
    if sum(map(_size, [text, *others])) > MOST_INLINE[kind]:
        raise errors.inline_policies_too_large(MOST_INLINE[kind], kind, name)


def check_session_policy(text: str) -> None:
    """The same for an inline session policy, in which ARNs must be complete; also raises STSValidationError."""
    if len(text) > MOST_SESSION:
        raise errors.session_policy_too_long(text, MOST_SESSION)
    if not isinstance(_json(text), dict):
        raise MalformedPolicyDocument(errors.NOT_JSON)
    policy = _check_identity_policy(text, any_version=True)
    for statement in policy.statements:
        for resource in statement.resources or ():
            if missing_fields(resource):
                raise errors.incomplete_arn(resource.raw)


def check_simulated_policy(text: str) -> None:
    """Raises MalformedPolicyDocument for a policy that a simulation gets as a text."""
    _check_identity_policy(text, any_version=True)


def check_resource_policy(text: str) -> None:
    """The same for the policy of a resource, which must name principals."""
    policy = _parsed(text)
    if policy is None or any(each.principals is None for each in policy.statements):
        raise MalformedPolicyDocument(errors.SYNTAX)


def check_trust_policy(text: str) -> None:
    """The same for the trust policy of a role."""
    document = _json(text)
    if not isinstance(document, dict):
        raise MalformedPolicyDocument(errors.TRUST_NOT_JSON)
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise MalformedPolicyDocument(errors.TRUST_VERSION)
    statements = _statements(document)
    if not statements:
        raise MalformedPolicyDocument(errors.TRUST_EMPTY)
    for statement in statements:
        _check_trust_statement(statement)
    if _parsed(text) is None:
        raise MalformedPolicyDocument(errors.TRUST_SYNTAX)
    labels = [each["Sid"] for each in statements if each.get("Sid")]
    if len(set(labels)) < len(labels):
        raise MalformedPolicyDocument(errors.TRUST_SIDS)
    try:
        principal_names.check(text)
    except principal_names.InvalidPrincipal as no:
        raise errors.invalid_principal(no.kind, no.name) from None
    if _size(text) > MOST_TRUST:
        raise errors.quota_exceeded("ACLSizePerRole", MOST_TRUST)


def _check_identity_policy(text: str, any_version: bool = False) -> Policy:
    policy = _parsed(text)
    if policy and any(each.principals is not None for each in policy.statements):
        raise MalformedPolicyDocument(errors.HAS_PRINCIPAL)
    for resource in (each for statement in (policy.statements if policy else ()) for each in statement.resources or ()):
        if resource.raw != "*" and not resource.raw.startswith("arn:"):
            raise errors.no_arn(resource.raw)
    try:
        IAMPolicyDocumentValidator(_for_moto(text, any_version)).validate()
    except (TypeError, AttributeError):  # moto cannot read null in a list
        raise MalformedPolicyDocument(errors.SYNTAX) from None
    statements = _statements(json.loads(text))
    if policy is None:
        incomplete = any(action.endswith(":") for each in statements for action in _actions(each))
        raise MalformedPolicyDocument(errors.NO_VENDOR if incomplete else errors.SYNTAX)
    if not all(SID.fullmatch(each.get("Sid", "")) for each in statements):
        raise MalformedPolicyDocument(errors.SID_CHARACTERS)
    return policy


def _for_moto(text: str, any_version: bool) -> str:
    """*text* without what moto refuses and AWS accepts: numbers in conditions, and with *any_version* the older one."""
    document = _json(text)
    if not isinstance(document, dict):
        return text
    if any_version and document.get("Version", VERSIONS[0]) == VERSIONS[0]:
        document["Version"] = WITH_VARIABLES
    for statement in _statements(document):
        conditions = statement.get("Condition") if isinstance(statement, dict) else None
        for keys in conditions.values() if isinstance(conditions, dict) else ():
            if isinstance(keys, dict):
                keys |= {key: _texts(value) for key, value in keys.items()}
    return json.dumps(document)


def _texts(value: Any) -> Any:
    return [_text(each) for each in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, int | float) else value


def _check_trust_statement(statement: Any) -> None:
    if not isinstance(statement, Mapping):
        raise MalformedPolicyDocument(errors.TRUST_SYNTAX)
    effect = statement.get("Effect")
    if effect is None:
        raise MalformedPolicyDocument(errors.TRUST_NO_EFFECT)
    if effect not in ("Allow", "Deny"):
        raise errors.invalid_effect(effect)
    faults = {
        errors.TRUST_ALLOW_NOT_PRINCIPAL: "NotPrincipal" in statement and effect == "Allow",
        errors.TRUST_NOT_PRINCIPAL: "NotPrincipal" in statement,
        errors.TRUST_NO_PRINCIPAL: "Principal" not in statement,
        errors.TRUST_EMPTY_PRINCIPAL: statement.get("Principal") == {},
        errors.TRUST_STAR: statement.get("Principal") == "*",
        errors.TRUST_NO_ACTION: not statement.get("Action") and not statement.get("NotAction"),
        errors.TRUST_ACTIONS: not all(map(_is_of_trust, _actions(statement))),
        errors.TRUST_RESOURCE: "Resource" in statement,
        errors.TRUST_NOT_RESOURCE: "NotResource" in statement,
    }
    if fault := next((sentence for sentence, is_there in faults.items() if is_there), None):
        raise MalformedPolicyDocument(fault)


def _actions(statement: Mapping[str, Any]) -> list[Any]:
    return [each for element in ("Action", "NotAction") for each in as_list(statement.get(element, []))]


def _is_of_trust(action: Any) -> bool:
    """Whether *action* is a pattern of an action that a trust policy can have. One without a name is a syntax error."""
    prefix, _, name = action.lower().partition(":") if isinstance(action, str) else ("", "", "")
    return prefix == "sts" and (not name or any(map(glob(literal_brackets(name)), TRUST_ACTIONS)))


def _statements(document: Mapping[str, Any]) -> list[Any]:
    return as_list(document.get("Statement", []))


def _parsed(text: str) -> Policy | None:
    try:
        return parse(text)
    except Malformed:
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _size(text: str) -> int:
    """Characters that count: IAM does not count white space."""
    return len("".join(text.split()))
