"""The scope that a client requests a token for: ``repository:alice/app:pull,push``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.docker_hub.scopes import Scope, parse, parse_all

scopes = st.builds(
    Scope,
    kind=st.sampled_from(["repository", "registry", "repository(plugin)"]),
    name=st.from_regex(r"[a-z0-9]+(:[0-9]{1,5})?(/[a-z0-9._-]+){0,3}", fullmatch=True),
    actions=st.frozensets(st.sampled_from(["pull", "push", "delete", "*"])),
)


@given(scopes)
def test_a_scope_survives_formatting_and_parsing(scope):
    assert parse(str(scope)) == scope


@given(st.lists(scopes))
def test_several_scopes_can_be_in_one_or_more_parameters(many):
    apart = [str(scope) for scope in many]
    assert parse_all(apart) == parse_all([" ".join(apart)]) == many


def test_the_name_can_contain_a_port():
    assert parse("repository:localhost:5000/app:pull") == Scope("repository", "localhost:5000/app", frozenset({"pull"}))


@pytest.mark.parametrize(
    "text", ["", "repository", "repository:alice/app", "repository::pull", "a b:c:pull", ":a:pull"]
)
def test_anything_else_is_not_a_scope(text):
    with pytest.raises(ValueError, match="is not a scope"):
        parse(text)


def test_an_invalid_scope_is_ignored():
    assert parse_all(["nonsense repository:alice/app:pull"]) == [parse("repository:alice/app:pull")]
