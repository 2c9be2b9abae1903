"""Which texts are JSON: RFC 8259."""

import pytest

from ecr_sandbox import strict_json


def test_a_value_is_read():
    assert strict_json.loads('{"a": [1, null, "x"]}') == {"a": [1, None, "x"]}


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": -Infinity}', "[" * 100_000])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        strict_json.loads(text)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "a": 1}}]'])
def test_names_are_unique_if_the_caller_wants_it(text):
    strict_json.loads(text)
    with pytest.raises(strict_json.RepeatedName):
        strict_json.loads(text, unique_names=True)
