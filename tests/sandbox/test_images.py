"""Reading manifests: whatever a client sends, we say what is wrong and never fall over."""

import json

from hypothesis import given
from hypothesis import strategies as st

from helpers.sandbox.ecr.images import Manifest, digest_of
from helpers.sandbox.words import InvalidParameter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["config", "layers", "manifests", "mediaType", "digest", "size", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


def test_a_manifest_says_its_digest_its_blobs_and_its_type():
    part = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:aa", "size": 3}
    layer = {**part, "digest": "sha256:bb", "size": 5}
    text = json.dumps({"mediaType": "m", "config": part, "layers": [layer, layer]})
    manifest = Manifest.parse(text, None)
    assert manifest.digest == digest_of(text.encode())
    assert manifest.blobs == (("sha256:aa", 3), ("sha256:bb", 5))  # the same layer twice is stored once
    assert (manifest.media_type, manifest.artifact_type) == ("m", part["mediaType"])


@given(JSON | st.text(max_size=40))
def test_anything_else_is_an_invalid_parameter(content):
    text = content if isinstance(content, str) else json.dumps(content)
    try:
        manifest = Manifest.parse(text, None)
    except InvalidParameter as error:
        assert error.code == "InvalidParameterException"
    else:
        assert manifest.digest == digest_of(text.encode())
