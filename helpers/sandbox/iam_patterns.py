"""Wildcards and policy variables.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Mapping
from functools import lru_cache

Facts = Mapping[str, tuple[str, ...]]  # condition keys in lower case, with their values

VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Stand for *, ? and $ that are meant as they are; no ARN and no name has these characters.
LITERAL = {"*": "\ue000", "?": "\ue001", "$": "\ue002"}
MEANT = {mark: sign for sign, mark in LITERAL.items()}


@lru_cache(maxsize=4096)
def glob(pattern: str, any_case: bool = False) -> re.Pattern[str]:
    """The pattern as a regular expression: ``*`` is any characters, ``?`` is one, all others are themselves."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(MEANT.get(c, c)) for c in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else 0))


def expand(pattern: str, facts: Facts) -> str | None:
    """*pattern* with its variables filled in, whose values are not patterns; None if one of them has no value."""
    if "${" not in pattern:
        return pattern
    known = {each: _value(each, facts) for each in VARIABLE.findall(pattern)}
    if None in known.values():
        return None
    return VARIABLE.sub(lambda found: _marked(known[found[1]] or ""), pattern)


def literal(text: str, facts: Facts | None = None) -> str | None:
    """The same for a text in which ``*`` and ``?`` are no wildcards; without *facts* the text as it stands."""
    filled = text if facts is None else expand(text, facts)
    return filled and "".join(MEANT.get(c, c) for c in filled)


def _value(variable: str, facts: Facts) -> str | None:
    """``aws:username``, ``aws:PrincipalTag/team, 'default'``, or one of the signs ``*``, ``?`` and ``$``."""
    if variable in LITERAL:
        return variable
    key, comma, default = variable.partition(",")
    found = facts.get(key.strip().lower(), ())
    if len(found) == 1:  # a key with several values cannot stand in for one
        return found[0]
    return default.strip().strip("'") if comma else None


def _marked(value: str) -> str:
    return "".join(LITERAL.get(c, c) for c in value)
