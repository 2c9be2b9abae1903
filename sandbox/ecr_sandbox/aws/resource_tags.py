"""Which tags may a repository (not an image) have? One rule, for ECR and ECR Public.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html, "Tag restrictions".
"""

import unicodedata
from collections.abc import Iterable, Mapping

from .errors import InvalidTagParameterException, TooManyTagsException

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256
MARKS = frozenset("_.:/=+-@")


def with_more(has: Mapping[str, str], more: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags *has* and *more*, as the API gives them; raises InvalidTagParameterException, TooManyTagsException."""
    tags = dict(has)
    new: set[str] = set()
    for tag in more:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _check(key, value)
        if key in new:
            raise InvalidTagParameterException(f"The tag key '{key}' is given twice")
        new.add(key)
        tags[key] = value
    if len(tags) > MOST:
        raise TooManyTagsException(MOST)
    return tags


def _check(key: str, value: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidTagParameterException(f"Tag keys have 1 to {LONGEST_KEY} characters")
    if len(value) > LONGEST_VALUE:
        raise InvalidTagParameterException(f"Tag values have at most {LONGEST_VALUE} characters")
    if key.lower().startswith("aws:"):
        raise InvalidTagParameterException("Tag keys that begin with 'aws:' are reserved for AWS")
    if not all(map(_may_stand, key + value)):
        raise InvalidTagParameterException("Tags consist of letters, numbers, spaces and _ . : / = + - @")


def _may_stand(character: str) -> bool:
    return character in MARKS or unicodedata.category(character)[0] in "LNZ"
