"""The name under which the content store keeps a repository's blobs."""

import hashlib


def storage_name(account: str, region: str, name: str) -> str:
    """The storage name of the repository *name*: accounts and Regions are apart, and it has at most 255 characters.

    ECR's names with account and Region before them may be longer; such a name ends in a hash.
    """
    full = f"{account}/{region}/{name}"
    if len(full) <= 255:
        return full
    return f"{account}/{region}/{name[:100].rstrip('._-/')}/{hashlib.sha256(name.encode()).hexdigest()}"
