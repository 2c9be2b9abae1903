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
        if key in new or not _is_valid(key, value):
            raise InvalidTagParameterException
        new.add(key)
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(MAX_TAGS)
    return tags


def _is_valid(key: str, value: str) -> bool:
    """User guide, "Tag restrictions": the lengths, the characters, and that AWS's own tags are reserved."""
    lengths = 1 <= len(key) <= MAX_KEY and len(value) <= MAX_VALUE
    return lengths and not key.lower().startswith("aws:") and all(map(_is_allowed, key + value))


def _is_allowed(character: str) -> bool:
    return character in MARKS or unicodedata.category(character)[0] in "LNZ"
