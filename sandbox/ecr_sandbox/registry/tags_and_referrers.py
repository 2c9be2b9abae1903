"""What is there: the tags of a repository, and what refers to an image.

Source: OCI distribution-spec 1.1, "Content Discovery".
"""

import json
import re
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from .backend import RegistryRequest
from .errors import DIGEST_INVALID, PAGE_INVALID, Refused
from .image import ACTIVE, Image
from .manifest_format import INDEXES
from .references import is_digest

REFERRERS_A_PAGE = 1000  # not ECR's number, which is not known: below it clients that do not turn pages see all


def tags(ask: RegistryRequest) -> Response:
    """GET: every tag that can be pulled, in the order of its bytes, by pages of ``n`` after ``last``."""
    size = _number(ask, "n")
    found = ask.repository.images.tags(ask.request.args.get("last", ""), None if size is None else size + 1)
    shown = found[:size]
    headers = {}
    if size and len(found) > size:
        headers["Link"] = _next(ask, "tags/list", n=size, last=shown[-1])
    text = json.dumps({"name": ask.repository.name, "tags": shown})
    return Response(text, headers=headers, content_type="application/json")


def referrers(ask: RegistryRequest) -> Response:
    """GET: an index of the images whose subject is the digest, whether that is there or not; ``artifactType`` filters.

    What is archived is not in it, nor among the tags: it cannot be pulled.

    The order is that of their pushes. A page that a filter left empty may have a next one.
    """
    if not is_digest(ask.part):
        raise Refused(DIGEST_INVALID)
    kind = ask.request.args.get("artifactType")
    found = ask.repository.images.referrers(ask.part, _number(ask, "after") or 0, REFERRERS_A_PAGE + 1, ACTIVE)
    shown, headers = found[:REFERRERS_A_PAGE], {}
    asked = {"artifactType": kind} if kind else {}
    if len(found) > len(shown):
        headers["Link"] = _next(ask, f"referrers/{ask.part}", **asked, after=shown[-1].id)
    if kind:
        headers["OCI-Filters-Applied"] = "artifactType"
        shown = [image for image in shown if image.artifact_type == kind]
    index = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": [_descriptor(image) for image in shown]}
    return Response(json.dumps(index), headers=headers, content_type=INDEXES[0])


def _descriptor(image: Image) -> dict[str, Any]:
    annotations = json.loads(image.manifest).get("annotations")
    return {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": len(image.manifest.encode()),
        **({"artifactType": image.artifact_type} if image.artifact_type else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def _number(ask: RegistryRequest, name: str) -> int | None:
    given = ask.request.args.get(name)
    if given is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", given):
        raise Refused(PAGE_INVALID)
    return int(given)


def _next(ask: RegistryRequest, what: str, **query: Any) -> str:
    return f'</v2/{ask.repository.name}/{what}?{urlencode(query)}>; rel="next"'
