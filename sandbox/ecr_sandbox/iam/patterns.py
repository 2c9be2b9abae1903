"""Strings in policies: wildcards, and variables such as ``${aws:username}``.

Sources, all in https://docs.aws.amazon.com/IAM/latest/UserGuide/: ``reference_policies_elements_resource.html``,
``reference_policies_variables.html``; for ARNs ``reference_policies_elements_condition_operators.html``.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

# The condition keys of a request, in lower case because keys ignore case, and their value or values.
Facts = Mapping[str, str | tuple[str, ...]]

VARIABLE = re.compile(r"\$\{\s*([^{},']+?)\s*(?:,\s*'([^']*)'\s*)?\}")
CHARACTERS = {"*": "*", "?": "?", "$": "$"}  # ${*} is an asterisk that is not a wildcard


class Unresolved(Exception):
    """A variable has no value in this request, and no default."""


@dataclass(frozen=True)
class Text:
    """A string of a policy: ``*`` and ``?`` may be wildcards, ``${aws:username}`` may be a variable.

    A variable without a value and without a default matches nothing (user guide, "Policy variables with no value"); so
    in NotResource, of which the guide does not speak, it excludes nothing. The value of a variable is taken literally,
    wildcards too.
    """

    raw: str
    has_variables: bool = False

    def equals(self, value: str, facts: Facts, fold: Callable[[str], str] = str) -> bool:
        """Whether *value* is this text with its variables replaced; *fold* can ignore case."""
        try:
            return fold(value) == fold(self._filled(self.raw, facts, str))
        except Unresolved:
            return False

    def like(self, value: str, facts: Facts) -> bool:
        """Whether the whole of *value* matches this text; a wildcard can match colons and slashes."""
        try:
            return glob(self._pattern(facts))(value)
        except Unresolved:
            return False

    def like_arn(self, value: str, facts: Facts) -> bool:
        """The same for each of an ARN's six parts: a wildcard does not match the colons between them."""
        try:
            patterns, parts = self._pattern(facts).split(":", 5), value.split(":", 5)
        except Unresolved:
            return False
        return len(patterns) == len(parts) and all(glob(each)(part) for each, part in zip(patterns, parts, strict=True))

    def missing(self, facts: Facts) -> list[str]:
        """The variables that have no value and no default, as the policy writes them."""
        found = VARIABLE.findall(self.raw) if self.has_variables else []
        return [key for key, default in found if not default and key not in CHARACTERS and key.lower() not in facts]

    def _pattern(self, facts: Facts) -> str:
        return self._filled(literal_brackets(self.raw), facts, literal)

    def _filled(self, text: str, facts: Facts, quote: Callable[[str], str]) -> str:
        if not self.has_variables:
            return text

        def value(variable: re.Match[str]) -> str:
            key, default = variable.groups()
            found = CHARACTERS.get(key) or facts.get(key.lower(), default)
            if not isinstance(found, str):  # missing, or several values: those cannot be a variable
                raise Unresolved(key)
            return quote(found)

        return VARIABLE.sub(value, text)


@lru_cache(maxsize=4096)
def glob(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    """A function that tests whether a string matches *pattern*, in which ``*``, ``?`` and ``[…]`` are special."""
    matches = re.compile(fnmatch.translate(pattern), flags).match
    return lambda value: matches(value) is not None


def literal_brackets(text: str) -> str:
    """*text* for ``glob``, with IAM's two wildcards and no other."""
    return text.replace("[", "[[]")


def literal(text: str) -> str:
    """*text* for ``glob``, without wildcards."""
    return re.sub(r"[*?[]", r"[\g<0>]", text)
