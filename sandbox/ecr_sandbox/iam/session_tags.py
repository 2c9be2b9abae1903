"""Session tags: which AssumeRole accepts, and which a chained session inherits.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from collections.abc import Collection

from moto.sts.models import AssumedRole

from . import errors


def transitive(session: AssumedRole | None) -> dict[str, str]:
    """The tags of *session* that the sessions of roles which it assumes get too."""
    keys = {key.lower() for key in getattr(session, "transitive_keys", ())}
    return {key: value for key, value in getattr(session, "tags", {}).items() if key.lower() in keys}


def check(keys: Collection[str], transitive_keys: Collection[str], inherited: Collection[str]) -> None:
    """Return if AssumeRole accepts tags with these *keys*, of which some are transitive, besides those *inherited*.

    Keys do not differ in case only. Raises InvalidTags.
    """
    lower = {key.lower() for key in keys}
    if len(lower) < len(keys):
        raise errors.InvalidTags(errors.DUPLICATE_TAGS)
    if any(key.startswith("aws:") for key in lower):
        raise errors.InvalidTags(errors.RESERVED_TAGS)
    if not lower >= {key.lower() for key in transitive_keys}:
        raise errors.InvalidTags(errors.NO_SUCH_TAG)
    if lower & {key.lower() for key in inherited}:
        raise errors.InvalidTags(errors.INHERITED_TAG)
