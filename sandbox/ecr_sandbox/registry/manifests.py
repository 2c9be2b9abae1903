"""Manifests: the last piece of a push, the first of a pull."""

from werkzeug.wrappers import Response

from . import body, conversion, errors
from .backend import RegistryRequest
from .errors import ImageError, ImageExists, ManifestInvalid, Refused
from .image import ACTIVE, Image
from .manifest_format import IMAGES, INVALID_JSON, digest_of
from .references import is_kept, is_tag

LIMIT = 4 * 1024 * 1024  # bytes (PutImage, API reference)


def read(ask: RegistryRequest) -> Response:
    """HEAD or GET of an image's manifest: by digest as it was pushed, by tag as the client understands it."""
    image = _found(ask)
    if image.status != ACTIVE:  # user guide, "Archiving an image": "a 404 error"
        raise Refused(ask.backend.errors.image_unknown)
    may_convert = ask.backend.errors.converts and not _names_digest(ask)
    converted = conversion.convert(image.manifest, image.media_type, _accepted(ask)) if may_convert else None
    text, media_type = converted or (image.manifest, image.media_type)
    if ask.request.method == "GET":
        ask.repository.pulled(image, None if _names_digest(ask) else ask.part, ask.request)
    content = text.encode()
    return Response(content, headers={"Docker-Content-Digest": digest_of(content)}, content_type=media_type)


def store(ask: RegistryRequest) -> Response:
    """PUT: from here on the image is there."""
    content = body.up_to(ask.request, LIMIT)
    if content is None:
        raise Refused(ask.backend.errors.manifest_too_large)
    if not _names_digest(ask) and not is_tag(ask.part):
        raise Refused(errors.TAG_INVALID)
    tag, digest = (None, ask.part) if _names_digest(ask) else (ask.part, None)
    try:
        text = content.decode()
        image = ask.repository.store_image(text, ask.request.mimetype or None, tag, digest)
    except ImageExists:  # the API answers with an error, the registry does not
        image = _found(ask)
    except UnicodeDecodeError:
        raise Refused(ask.backend.errors.manifest_refused(ManifestInvalid(INVALID_JSON))) from None
    except ImageError as error:
        raise Refused(ask.backend.errors.manifest_refused(error)) from None
    headers = {
        "Docker-Content-Digest": image.digest,
        "Location": f"/v2/{ask.repository.name}/manifests/{image.digest}",
    }
    if image.subject:
        headers["OCI-Subject"] = image.subject
    return Response(status=201, headers=headers)


def delete(ask: RegistryRequest) -> Response:
    """DELETE by digest removes the image, by tag the tag.

    Whether ECR has it on the wire: https://github.com/aws/containers-roadmap/issues/1229 says so since 2023,
    others say no.
    """
    _found(ask)
    wanted = {"imageDigest" if _names_digest(ask) else "imageTag": ask.part}
    _, failures = ask.repository.delete_images([wanted])
    for failure in failures:
        raise Refused(errors.unsupported(failure["failureReason"]))
    return Response(status=202)


def _found(ask: RegistryRequest) -> Image:
    image = ask.repository.images.find(**{"digest" if _names_digest(ask) else "tag": ask.part})
    if image is None:
        raise Refused(ask.backend.errors.image_unknown)
    return image


def _names_digest(ask: RegistryRequest) -> bool:
    """Whether the path names a digest, and not a tag; raises Refused for what is neither."""
    if ":" in ask.part and not is_kept(ask.part):
        raise Refused(errors.DIGEST_INVALID)
    return ":" in ask.part


def _accepted(ask: RegistryRequest) -> list[str]:
    """The types of image manifests that the client takes; none when it does not say (RFC 9110: then any is right)."""
    if "Accept" not in ask.request.headers:
        return []
    return [each for each in IMAGES if ask.request.accept_mimetypes.quality(each) > 0]
