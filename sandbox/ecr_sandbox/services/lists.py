"""The lists of ECR's registry and of ECR Public's, which are pages of the API's lists.

``n`` is the API's ``maxResults``, ``last`` its ``nextToken``, not the last name of the page before. Sources:
https://github.com/renovatebot/renovate/issues/3800 (``n``), https://github.com/deitch/docker_registry2/issues/34
(``last``, the order, the link), https://github.com/OctopusDeploy/Issues/issues/6495 (a name as ``last`` is refused),
https://github.com/genuinetools/reg/issues/206 (100 without ``n``). The order is that of ListImages.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ecr_sandbox.aws import pagination, validation
from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.aws.pagination import Row
from ecr_sandbox.registry.errors import Refused, unsupported
from ecr_sandbox.registry.image import ACTIVE
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.pages import Page


def tags(images: Images, size: int | None, token: str | None) -> Page:
    """The tags of the active images; raises Refused."""

    def after(place: Sequence[Any] | None, size: int) -> Sequence[tuple[int, str, str | None]]:
        number, tag = place or (0, "")
        return images.ids((number, tag), size, tagged=True, status=ACTIVE)

    found, following = _page(f"tags {images.key}", after, lambda row: [row[0], row[2]], size, token)
    return [str(tag) for _, _, tag in found], following


def repositories(registry: str, names: Sequence[str], size: int | None, token: str | None) -> Page:
    """The *names* of the repositories of *registry*, which are sorted; raises Refused."""

    def after(last: str | None, size: int) -> Sequence[str]:
        return [name for name in names if last is None or name > last][:size]

    return _page(f"repositories {registry}", after, lambda name: name, size, token)


def _page(
    what: str,
    rows: Callable[[Any, int], Sequence[Row]],
    place: Callable[[Row], Any],
    size: int | None,
    token: str | None,
) -> tuple[list[Row], str | None]:
    """``pagination.page``, with errors of the registry."""
    try:
        if size is not None:
            validation.check("ecr", "DescribeRepositories", {"maxResults": size})  # ListImages has the same limits
        return pagination.page(what, rows, place, token, size or pagination.SIZE)
    except InvalidParameter as no:
        raise Refused(unsupported(no.message)) from None
