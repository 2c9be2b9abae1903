"""The check before an image is stored: does the repository have every blob that the manifest names?"""

from collections.abc import Iterator
from contextlib import contextmanager

from .distribution import Distribution
from .errors import LayersMissing
from .images import Images
from .manifest_format import Manifest


@contextmanager
def having_all(
    blobs: Distribution, stored_as: str, manifest: Manifest, images: Images, name: str, registry: str
) -> Iterator[None]:
    """Around the storing of an image: the repository has every blob of *manifest*, and keeps it meanwhile.

    Its *images* use the blob, or it was uploaded (*stored_as*) and is on disk from now on.
    Raises LayersMissing about the repository *name* of *registry*, and OSError.
    """
    digests = [digest for digest, _ in manifest.blobs]
    with blobs.promises.redeeming(stored_as, digests):
        new = [digest for digest in digests if not images.use(digest)]
        missing = [digest for digest in new if blobs.size(stored_as, digest) is None]
        if missing:
            raise LayersMissing(missing, name, registry)
        blobs.tree.sync(stored_as, new)
        yield
