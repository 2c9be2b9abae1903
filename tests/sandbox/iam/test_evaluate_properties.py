"""Properties of the evaluation that hold for every policy, checked with policies that hypothesis generates.

Names, values and keys come from small sets, so that generated policies often match generated requests.
"""

import json
import random
import string
from dataclasses import replace
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ecr_sandbox.iam import evaluate
from ecr_sandbox.iam.evaluate import Principal, RequestContext

ACCOUNT, OTHER = "123456789012", "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/build"
NAMES = [ALICE, ROLE, SESSION, ACCOUNT, OTHER, f"arn:aws:iam::{ACCOUNT}:root", "*"]
KEYS = ["aws:username", "aws:TagKeys", "aws:CurrentTime", "aws:SourceIp", "aws:PrincipalArn", "aws:missing"]
BASES = ["String", "Numeric", "Date", "Arn"]
OPERATORS = [
    *(f"{base}{negation}Equals" for base in BASES for negation in ("", "Not")),
    *("StringLike", "StringNotLike", "ArnLike", "StringEqualsIgnoreCase", "Bool", "BinaryEquals", "IpAddress"),
    *("NotIpAddress", "NumericLessThan", "DateGreaterThanEquals"),
]

# A small alphabet: to choose from all of Unicode, hypothesis first builds a table, which is slow on a new machine.
letters = st.sampled_from(f"{string.printable}\0éßſ☃𝄞\ud800")

actions = st.sampled_from(["ecr:PutImage", "ecr:BatchGetImage", "s3:GetObject", "ecr:GetAuthorizationToken"])
action_patterns = st.one_of(actions, st.sampled_from(["*", "ecr:*", "ECR:put*", "?cr:*Image", "s3:?et*"]))
resources = st.sampled_from(
    [f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}" for name in ("shop", "alice/x")] + ["*"]
)
resource_patterns = st.one_of(
    resources, st.sampled_from(["arn:*", "*/shop", "*/${aws:username}/?", "*${aws:missing}", "${aws:missing, '*'}"])
)
values = st.one_of(
    st.sampled_from(
        ["alice", "a*", "", "10", "true", "2026-11-23", "10.0.0.0/8", "10.1.2.3", "${aws:username}", ALICE]
    ),
    st.text(letters, max_size=4),
)


def one_or_more(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(strategy, st.lists(strategy, min_size=1, max_size=3))


quantified = st.builds(
    "".join, st.tuples(st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]), st.sampled_from(OPERATORS))
)
operators = st.one_of(quantified, quantified.map(lambda name: f"{name}IfExists"), st.just("Null"))
conditions = st.dictionaries(
    operators, st.dictionaries(st.sampled_from(KEYS), one_or_more(values), min_size=1, max_size=2), max_size=2
)
principals = st.one_of(st.just("*"), st.fixed_dictionaries({"AWS": one_or_more(st.sampled_from(NAMES))}))


@st.composite
def statements(
    draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny"), for_resource: bool = False, with_not: bool = True
) -> dict[str, Any]:
    negations = st.sampled_from(["", "Not"]) if with_not else st.just("")
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(effects)),
        f"{draw(negations)}Action": draw(one_or_more(action_patterns)),
    }
    if for_resource:
        statement[f"{draw(negations)}Principal"] = draw(principals)
    else:
        statement[f"{draw(negations)}Resource"] = draw(one_or_more(resource_patterns))
    if draw(st.booleans()):
        statement["Condition"] = draw(conditions)
    return statement


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def parsed(*statements: dict[str, Any]) -> evaluate.Policy:
    return evaluate.parse(document(*statements))


def policies(for_resource: bool = False) -> st.SearchStrategy[evaluate.Policy]:
    return st.lists(statements(for_resource=for_resource), min_size=1, max_size=3).map(lambda each: parsed(*each))


contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:username": st.sampled_from(["alice", "bob", "a*", ""]),
        "aws:TagKeys": st.lists(values, max_size=3).map(tuple),
        "aws:CurrentTime": st.one_of(st.just("2026-11-23T12:00:00Z"), values),
        "aws:SourceIp": st.one_of(st.just("10.1.2.3"), values),
    },
)
asks = st.builds(RequestContext, actions, resources, st.sampled_from([ACCOUNT, OTHER]), contexts)
some = st.lists(policies(), max_size=2).map(tuple)
callers = st.builds(
    Principal,
    arn=st.sampled_from([ALICE, SESSION]),
    account=st.just(ACCOUNT),
    names=st.just(frozenset({ALICE})),
    identity=some,
    boundary=st.one_of(st.none(), policies()),
    session=st.one_of(st.none(), some),
).map(lambda who: who if who.arn == ALICE else replace(who, names=frozenset({SESSION, ROLE})))
guards = st.lists(policies(for_resource=True), max_size=2).map(tuple)
delegated = st.booleans()
EVERYTHING = parsed({"Effect": "Allow", "Action": "*", "Resource": "*"})


@given(callers, asks, guards, delegated)
def test_a_decision_is_allowed_or_has_a_reason(who, ask, on_resource, only):
    """It also raises no exception for any policy and request."""
    allowed, because = evaluate.decide(who, ask, on_resource, only)
    assert allowed == (because == "")
    assert allowed or because.startswith(("with an explicit deny in a", "because no "))


@given(callers, asks, guards, delegated, statements(("Deny",)), statements(("Deny",), for_resource=True))
def test_a_deny_added_anywhere_never_allows(who, ask, on_resource, only, denial, on_resource_denial):
    before = evaluate.decide(who, ask, on_resource, only).allowed
    added = parsed(denial)
    stricter = [
        (replace(who, identity=(*who.identity, added)), on_resource),
        (replace(who, session=(*(who.session or (EVERYTHING,)), added)), on_resource),
        (who, (*on_resource, parsed(on_resource_denial))),
    ]
    for caller, guarding in stricter:
        if who.session != ():  # where no session policy allows, EVERYTHING would
            assert evaluate.decide(caller, ask, guarding, only).allowed <= before


@given(callers, asks, guards, delegated)
def test_a_deny_of_everything_denies_everything(who, ask, on_resource, only):
    everything = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    guard = {"Effect": "Deny", "Action": "*", "Principal": "*"}
    assert not evaluate.decide(
        replace(who, identity=(*who.identity, parsed(everything))), ask, on_resource, only
    ).allowed
    assert not evaluate.decide(replace(who, boundary=parsed(everything)), ask, on_resource, only).allowed
    assert not evaluate.decide(replace(who, session=(parsed(everything),)), ask, on_resource, only).allowed
    assert not evaluate.decide(who, ask, (*on_resource, parsed(guard)), only).allowed


@given(callers, asks, guards, delegated, statements(("Allow",)), statements(("Allow",), for_resource=True))
def test_an_allow_added_anywhere_never_denies(who, ask, on_resource, only, more, on_resource_more):
    before = evaluate.decide(who, ask, on_resource, only).allowed
    assert (
        evaluate.decide(replace(who, identity=(*who.identity, parsed(more))), ask, on_resource, only).allowed >= before
    )
    assert evaluate.decide(who, ask, (*on_resource, parsed(on_resource_more)), only).allowed >= before
    if who.session is not None:
        wider = replace(who, session=(*who.session, parsed(more)))
        assert evaluate.decide(wider, ask, on_resource, only).allowed >= before


@given(st.lists(statements(), min_size=1, max_size=5), asks, guards, st.randoms(use_true_random=False))
def test_order_does_not_matter(each: list[dict[str, Any]], ask: RequestContext, on_resource: Any, order: random.Random):
    def caller(*identity: evaluate.Policy) -> Principal:
        return Principal(ALICE, ACCOUNT, frozenset({ALICE}), identity)

    shuffled = order.sample(each, len(each))
    answers = {
        evaluate.decide(caller(parsed(*each)), ask, on_resource),
        evaluate.decide(caller(parsed(*shuffled)), ask, on_resource[::-1]),
        evaluate.decide(caller(*map(parsed, each)), ask, on_resource),
    }
    assert len(answers) == 1


@given(callers, asks, guards, delegated)
def test_a_boundary_never_allows_more(who, ask, on_resource, only):
    without = replace(who, boundary=None)
    assert (
        evaluate.decide(who, ask, on_resource, only).allowed <= evaluate.decide(without, ask, on_resource, only).allowed
    )


@given(callers, asks, guards, delegated)
def test_a_session_policy_never_allows_more(who, ask, on_resource, only):
    without = replace(who, session=None)
    assert (
        evaluate.decide(who, ask, on_resource, only).allowed <= evaluate.decide(without, ask, on_resource, only).allowed
    )


@given(callers, asks)
def test_boundary_and_session_policy_are_intersected_with_the_identitys(who, ask):
    def alone(*allowing: evaluate.Policy) -> bool:
        return evaluate.decide(replace(who, identity=allowing, boundary=None, session=None), here).allowed

    here = replace(ask, account=ACCOUNT)
    each = [alone(*who.identity)]
    each += [alone(who.boundary)] if who.boundary else []
    each += [alone(*who.session)] if who.session is not None else []
    # A policy has the same result wherever it is attached.
    assert evaluate.decide(who, here).allowed == all(each)


@given(callers, asks, guards)
def test_a_trust_policys_rule_never_allows_more(who, ask, on_resource):
    assert evaluate.decide(who, ask, on_resource, True).allowed <= evaluate.decide(who, ask, on_resource, False).allowed
    assert not evaluate.decide(who, ask, (), True).allowed


@given(callers, asks, guards)
def test_another_account_never_allows_more(who, ask, on_resource):
    """The generated policies have no condition on the account, the only difference between the requests."""
    here, there = replace(ask, account=ACCOUNT), replace(ask, account=OTHER)
    assert evaluate.decide(who, there, on_resource).allowed <= evaluate.decide(who, here, on_resource).allowed
    assert not evaluate.decide(who, there).allowed


@given(callers, asks, guards)
def test_cross_account_access_needs_both_sides(who, ask, on_resource):
    here, there = replace(ask, account=ACCOUNT), replace(ask, account=OTHER)
    free = replace(who, identity=(EVERYTHING,), boundary=None, session=None)
    both = evaluate.decide(who, here).allowed and evaluate.decide(free, there, on_resource).allowed
    assert evaluate.decide(who, there, on_resource).allowed <= both


@given(callers, asks, guards, delegated)
def test_root_is_a_principal_whom_its_account_allows_everything(who, ask, on_resource, only):
    root, allowed_all = replace(who, unrestricted=True), replace(who, identity=(EVERYTHING,))
    assert evaluate.decide(root, ask, on_resource, only) == evaluate.decide(allowed_all, ask, on_resource, only)


@given(callers, asks)
def test_full_access_allows_every_request(who, ask):
    full = replace(who, identity=(EVERYTHING,), boundary=None, session=None)
    assert evaluate.decide(full, replace(ask, account=ACCOUNT)) == (True, "")


@given(statements(("Allow",)), asks)
def test_a_not_element_is_the_complement(statement, ask):
    """Of two statements that differ in Action and NotAction, or Resource and NotResource, exactly one applies."""

    def covers(each: dict[str, Any]) -> bool:
        return evaluate.decide(Principal(ALICE, ACCOUNT, frozenset({ALICE}), (parsed(each),)), here).allowed

    here = replace(ask, account=ACCOUNT)
    for element in ("Action", "Resource"):
        swapped = {
            ({element: f"Not{element}", f"Not{element}": element}.get(key, key)): statement[key] for key in statement
        }
        without = {key: value for key, value in statement.items() if key not in (element, f"Not{element}")}
        anything = covers({**without, element: "*"})
        assert covers(statement) + covers(swapped) == anything


def like(pattern: str, text: str) -> bool:
    """The definition of a wildcard match."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return like(pattern[1:], text) or (text != "" and like(pattern, text[1:]))
    return text != "" and pattern[0] in ("?", text[0]) and like(pattern[1:], text[1:])


@given(st.text("ab*?[].!\n:", max_size=7), st.text("ab*?[].!\n:", max_size=8))
@example("[!a]", "b")
@example("**a", "\na")
def test_a_wildcard_matches_as_defined(pattern, text):
    assume(pattern and "${" not in pattern)
    caller = Principal(
        ALICE, ACCOUNT, frozenset({ALICE}), (parsed({"Effect": "Allow", "Action": "*", "Resource": pattern}),)
    )
    assert evaluate.decide(caller, RequestContext("ecr:PutImage", text, ACCOUNT)).allowed == like(pattern, text)


def holds(operator: str, wanted: Any, given_values: Any) -> bool:
    condition = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"x:K": wanted}}}
    context = {} if given_values is None else {"x:k": given_values}
    caller = Principal(ALICE, ACCOUNT, frozenset({ALICE}), (parsed(condition),))
    return evaluate.decide(caller, RequestContext("ecr:PutImage", "*", ACCOUNT, context)).allowed


many = st.lists(st.one_of(values.filter(bool), st.sampled_from(["a", "b"])), max_size=3).map(tuple)
wanteds = st.lists(st.one_of(values, st.sampled_from(["a", "b"])), min_size=1, max_size=3)
unnegated = st.sampled_from([name for name in OPERATORS if "Not" not in name])
NEGATED = {"IpAddress": "NotIpAddress", "StringLike": "StringNotLike", "ArnLike": "ArnNotLike"} | {
    f"{base}Equals": f"{base}NotEquals" for base in BASES
}


@given(unnegated, wanteds, many)
def test_set_operators_are_all_and_any_of_the_requests_values(operator, wanted, given_values):
    each = [holds(operator, wanted, value) for value in given_values]
    assert holds(f"ForAllValues:{operator}", wanted, given_values) == all(each)
    assert holds(f"ForAnyValue:{operator}", wanted, given_values) == any(each)


@given(st.sampled_from(list(NEGATED)), wanteds, st.one_of(st.none(), values, many))
def test_a_negated_operator_is_the_opposite(operator, wanted, given_values):
    if isinstance(given_values, tuple) and given_values:  # without a set operator neither is met
        assert not holds(NEGATED[operator], wanted, given_values)
        assert not holds(operator, wanted, given_values)
    else:
        assert holds(NEGATED[operator], wanted, given_values) != holds(operator, wanted, given_values)
    if isinstance(given_values, tuple):
        some_negated = holds(f"ForAnyValue:{NEGATED[operator]}", wanted, given_values)
        assert some_negated != holds(f"ForAllValues:{operator}", wanted, given_values)


@given(unnegated, wanteds, st.one_of(values, many.filter(bool)))
def test_if_exists_matters_for_a_missing_key_only(operator, wanted, given_values):
    assert holds(f"{operator}IfExists", wanted, given_values) == holds(operator, wanted, given_values)
    assert holds(f"{operator}IfExists", wanted, None)
    assert not holds(operator, wanted, None)


@given(unnegated, wanteds, wanteds, values)
def test_a_conditions_values_are_alternatives(operator, some_wanted, more_wanted, value):
    either = holds(operator, some_wanted, value) or holds(operator, more_wanted, value)
    assert holds(operator, some_wanted + more_wanted, value) == either


@given(conditions, conditions, asks)
def test_all_conditions_must_be_met(some_conditions, more_conditions, ask):
    assume(not set(some_conditions) & set(more_conditions))

    def met(each: dict[str, Any]) -> bool:
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": each}
        return evaluate.decide(Principal(ALICE, ACCOUNT, frozenset({ALICE}), (parsed(statement),)), here).allowed

    here = replace(ask, account=ACCOUNT)
    assert met({**some_conditions, **more_conditions}) == (met(some_conditions) and met(more_conditions))


@given(unnegated.filter(lambda name: name.startswith("String")), st.text(letters, max_size=5))
def test_the_value_of_a_variable_is_literal(operator, value):
    """An empty string is a value. The value of a variable is never a pattern."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "<${aws:username}>"}
    named = Principal(ALICE, ACCOUNT, frozenset({ALICE}), (parsed(statement),), context={"aws:username": value})
    assert evaluate.decide(named, RequestContext("ecr:PutImage", f"<{value}>", ACCOUNT)).allowed
    assert not evaluate.decide(named, RequestContext("ecr:PutImage", f"<{value}x>", ACCOUNT)).allowed
    tagged = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"x:k": "${aws:username}"}}}
    caller = replace(named, identity=(parsed(tagged),))
    assert evaluate.decide(caller, RequestContext("ecr:PutImage", "*", ACCOUNT, {"x:k": value})).allowed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(letters, max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(letters, max_size=5), each, max_size=3),
    max_leaves=6,
)


@st.composite
def almost_policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy with one part replaced by any JSON value."""
    statement = draw(statements(for_resource=draw(st.booleans())))
    whole = document(statement)
    part = draw(st.sampled_from([whole, statement]))
    part[draw(st.sampled_from([*part, "Sid", "Condition", "Principal", "Id"]))] = draw(json_values)
    return whole


@given(st.one_of(almost_policies(), json_values), callers, asks)
def test_parsing_gives_a_policy_or_is_malformed(document, who, ask):
    for form in (document, json.dumps(document)):
        if not isinstance(form, str | dict):
            continue
        try:
            policy = evaluate.parse(form)
        except evaluate.Malformed as reason:
            assert str(reason)
        else:
            evaluate.decide(replace(who, identity=(policy,), boundary=policy), ask, (policy,))


@given(st.text(letters))
def test_any_text_is_a_policy_or_malformed(text):
    try:
        evaluate.parse(text)
    except evaluate.Malformed as reason:
        assert str(reason)


@given(st.lists(statements(), min_size=1, max_size=3), callers, asks)
def test_a_text_is_parsed_as_its_document(each, who, ask):
    from_document, from_text = evaluate.parse(document(*each)), evaluate.parse(json.dumps(document(*each)))
    assert evaluate.decide(replace(who, identity=(from_document,)), ask) == evaluate.decide(
        replace(who, identity=(from_text,)), ask
    )
