"""GET, HEAD, PUT and DELETE of manifests: the end of a push, and the start of a pull."""

from werkzeug.wrappers import Response

from . import body, conversion, errors
from .backend import RegistryRequest
from .errors import ImageError, ImageExists, ManifestInvalid, Refused
from .image import ACTIVE, Image
from .manifest_format import IMAGES, INVALID_JSON, digest_of

LIMIT = 4 * 1024 * 1024  # bytes (PutImage, API reference)


def read(request: RegistryRequest) -> Response:
    """GET and HEAD: by digest the manifest as it was pushed, by tag in a format that the client accepts."""
    image = _found(request)
    if image.status != ACTIVE:  # user guide, "Archiving an image": "a 404 error"
        raise Refused(request.backend.errors.image_unknown)
    may_convert = request.backend.errors.converts and not _names_digest(request)
    converted = conversion.convert(image.manifest, image.media_type, _accepted(request)) if may_convert else None
    text, media_type = converted or (image.manifest, image.media_type)
    if request.http.method == "GET":
        request.repository.pulled(image, None if _names_digest(request) else request.part, request.http)
    content = text.encode()
    response = Response(content, content_type=media_type)
    if request.http.method == "HEAD" or not request.backend.errors.digest_by_head_only:
        response.headers["Docker-Content-Digest"] = digest_of(content)
    return response


def store(request: RegistryRequest) -> Response:
    """PUT: store an image."""
    content = body.up_to(request.http, LIMIT)
    if content is None:
        raise Refused(request.backend.errors.manifest_too_large)
    tag, digest = (None, request.part) if _names_digest(request) else (request.part, None)
    try:
        text = content.decode()
        image = request.repository.store_image(text, request.http.mimetype or None, tag, digest)
    except ImageExists:  # the API answers with an error, the registry does not
        image = _found(request)
    except UnicodeDecodeError:
        raise Refused(request.backend.errors.manifest_refused(ManifestInvalid(INVALID_JSON))) from None
    except ImageError as error:
        raise Refused(request.backend.errors.manifest_refused(error)) from None
    headers = {
        "Docker-Content-Digest": image.digest,
        "Location": f"/v2/{request.repository.name}/manifests/{image.digest}",
    }
    if image.subject:
        headers["OCI-Subject"] = image.subject
    return Response(status=201, headers=headers)


def delete(request: RegistryRequest) -> Response:
    """DELETE: by digest the image, by tag only the tag.

    https://github.com/aws/containers-roadmap/issues/1229 says since 2023 that ECR supports this; others say no.
    """
    _found(request)
    wanted = {"imageDigest" if _names_digest(request) else "imageTag": request.part}
    _, failures = request.repository.delete_images([wanted])
    for failure in failures:
        raise Refused(errors.unsupported(failure["failureReason"]))
    return Response(status=202)


def _found(request: RegistryRequest) -> Image:
    image = request.repository.images.find(**{"digest" if _names_digest(request) else "tag": request.part})
    if image is None:
        raise Refused(request.backend.errors.image_unknown)
    return image


def _names_digest(request: RegistryRequest) -> bool:
    """Whether the path names a digest and not a tag; raises Refused when it names neither."""
    if refusal := request.backend.errors.reference_refused(request.part, request.http.method == "PUT"):
        raise Refused(refusal)
    return ":" in request.part


def _accepted(request: RegistryRequest) -> list[str]:
    """The types of image manifests that the client accepts; none when it does not say (RFC 9110: it accepts any)."""
    if "Accept" not in request.http.headers:
        return []
    return [each for each in IMAGES if request.http.accept_mimetypes.quality(each) > 0]
