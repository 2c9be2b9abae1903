"""The tags that a repository (not an image) can have: the same rule for ECR and ECR Public.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html, "Tag restrictions".
"""

import unicodedata
from collections.abc import Iterable, Mapping

from .errors import InvalidTagParameterException, TooManyTagsException

MAX_TAGS = 50
MAX_KEY, MAX_VALUE = 128, 256
MARKS = frozenset("_.:/=+-@")


def with_more(has: Mapping[str, str], more: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags *has* and *more*, which are as in the API; raises InvalidTagParameterException, TooManyTagsException."""
    tags = dict(has)
    new: set[str] = set()
    for tag in more:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _check(key, value)
        if key in new:
            raise InvalidTagParameterException(f"The tag key '{key}' is given twice")
        new.add(key)
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(MAX_TAGS)
    return tags


def _check(key: str, value: str) -> None:
    if not 1 <= len(key) <= MAX_KEY:
        raise InvalidTagParameterException(f"Tag keys have 1 to {MAX_KEY} characters")
    if len(value) > MAX_VALUE:
        raise InvalidTagParameterException(f"Tag values have at most {MAX_VALUE} characters")
    if key.lower().startswith("aws:"):
        raise InvalidTagParameterException("Tag keys that begin with 'aws:' are reserved for AWS")
    if not all(map(_is_allowed, key + value)):
        raise InvalidTagParameterException("Tags consist of letters, numbers, spaces and _ . : / = + - @")


def _is_allowed(character: str) -> bool:
    return character in MARKS or unicodedata.category(character)[0] in "LNZ"
