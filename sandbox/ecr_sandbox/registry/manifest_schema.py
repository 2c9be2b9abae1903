"""The fields of manifests and their types.

Sources: OCI image-spec 1.1, "Image Manifest", "Image Index", "Descriptor" and the JSON schemas in ``schema/``; Docker's
image manifest, version 2 schema 2, whose fields are a subset.

ECR is stricter than the specification: it refuses fields that it does not know, such as ``config.annotations``
(https://github.com/goharbor/acceleration-service/pull/353), ``subject.platform``
(https://github.com/dragonflyoss/nydus/issues/1691) and ``platform.features``
(https://github.com/aws/containers-roadmap/issues/2439). For places without a report, which fields it knows is our
choice: those that the specification gives a meaning there.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from .references import is_digest, is_sha256

Check = Callable[[Any, bool], bool]  # whether a value is allowed; True: only fields that ECR knows

# RFC 6838, 4.2, as in the specification's schema. ECR refuses parameters after ";", too:
# https://github.com/sigstore/sigstore-js/pull/1058
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MEDIA_TYPE = re.compile(f"{_NAME}/{_NAME}")


def _object(required: Mapping[str, Check], optional: Mapping[str, Check], unknown: Mapping[str, Check]) -> Check:
    """An object with these fields; *unknown* are those of the specification that ECR does not know."""
    every = {**required, **optional, **unknown}

    def check(value: Any, as_ecr: bool) -> bool:
        if not isinstance(value, dict) or not required.keys() <= value.keys():
            return False
        if as_ecr and not value.keys() <= required.keys() | optional.keys():
            return False
        return all(every[name](inner, as_ecr) for name, inner in value.items() if name in every)

    return check


def _list(of: Check) -> Check:
    return lambda value, as_ecr: isinstance(value, list) and all(of(each, as_ecr) for each in value)


def _text(value: Any, _: bool = True) -> bool:
    """Text that is Unicode: JSON can contain half of a surrogate pair, which is not a character."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _media_type(value: Any, _: bool) -> bool:
    return _text(value) and MEDIA_TYPE.fullmatch(value) is not None


def _digest(value: Any, _: bool) -> bool:
    return _text(value) and is_digest(value) and (is_sha256(value) or not value.startswith("sha256:"))


def _size(value: Any, _: bool) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _version(value: Any, _: bool) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 2


def _annotations(value: Any, _: bool) -> bool:
    return isinstance(value, dict) and all(_text(each) for pair in value.items() for each in pair)


def _data(value: Any, _: bool) -> bool:
    try:
        return _text(value) and base64.b64decode(value, validate=True) is not None
    except ValueError:
        return False


_BLOB = {"mediaType": _media_type, "digest": _digest, "size": _size}
_MORE = {"urls": _list(_text), "data": _data}
_NOTES = {"annotations": _annotations, "artifactType": _media_type}
_PLATFORM = {
    "platform": _object(
        {"architecture": _text, "os": _text},
        {"os.version": _text, "os.features": _list(_text), "variant": _text},
        {"features": _list(_text)},
    )
}
_ABOUT = {"mediaType": _media_type, "subject": _object(_BLOB, {**_MORE, **_NOTES}, _PLATFORM), **_NOTES}

IMAGE = _object(
    {
        "schemaVersion": _version,
        "config": _object(_BLOB, _MORE, {**_NOTES, **_PLATFORM}),
        "layers": _list(_object(_BLOB, {**_MORE, **_NOTES}, _PLATFORM)),
    },
    _ABOUT,
    {},
)
INDEX = _object(
    {"schemaVersion": _version, "manifests": _list(_object(_BLOB, {**_MORE, **_NOTES, **_PLATFORM}, {}))}, _ABOUT, {}
)
