"""The images that refer to an image.

Source: OCI distribution-spec 1.1, "Content Discovery", "Listing Referrers".
"""

import json
from typing import Any

from werkzeug.wrappers import Response

from .backend import RegistryRequest
from .errors import DIGEST_INVALID, Refused
from .images import ACTIVE, Image
from .manifest_format import INDEXES
from .pages import next_link, number
from .references import is_digest

PAGE = 1000  # not ECR's number, which is not known: clients that ignore pages see all of fewer referrers


def listed(request: RegistryRequest) -> Response:
    """GET: an index of the images whose subject is the digest, which need not exist; ``artifactType`` filters.

    Archived images cannot be pulled, so they are not in it. The order is that of the pushes. A page may be empty
    because of the filter and still have a next one.
    """
    if not is_digest(request.part):
        raise Refused(DIGEST_INVALID)
    kind = request.http.args.get("artifactType")
    found = request.repository.images.referrers(request.part, number(request.http, "after") or 0, PAGE + 1, ACTIVE)
    shown, headers = found[:PAGE], {}
    query = {"artifactType": kind} if kind else {}
    if len(found) > len(shown):
        headers["Link"] = next_link(request.http, **query, after=shown[-1].id)
    if kind:
        headers["OCI-Filters-Applied"] = "artifactType"
        shown = [image for image in shown if image.artifact_type == kind]
    index = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": [_descriptor(image) for image in shown]}
    return Response(json.dumps(index), headers=headers, content_type=INDEXES[0])


def _descriptor(image: Image) -> dict[str, Any]:
    annotations = json.loads(image.manifest).get("annotations")
    if isinstance(annotations, dict):  # until November 2026 their types were not checked
        annotations = {name: value for name, value in annotations.items() if isinstance(value, str)}
    return {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": len(image.manifest.encode()),
        **({"artifactType": image.artifact_type} if image.artifact_type else {}),
        **({"annotations": annotations} if annotations else {}),
    }
