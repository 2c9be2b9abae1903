"""moto's own server on a port, with repositories and images: ``python -m bench.plain_moto 5999 few 100 many 10000``.

Its CORS headers come from a package that the course does not need, so they are disabled.
"""

import sys
from types import ModuleType

from helpers import settings


def main() -> None:
    """Serve until killed."""
    cors = ModuleType("flask_cors")
    cors.CORS = lambda *_, **__: None  # type: ignore[attr-defined]
    sys.modules["flask_cors"] = cors
    from moto.server import main as serve

    port, *repositories = sys.argv[1:]
    for name, count in zip(repositories[::2], repositories[1::2], strict=True):
        _fill(name, int(count))
    serve(["-H", "127.0.0.1", "-p", port])


def _fill(name: str, count: int) -> None:
    """Add images without PutImage: 10,000 calls would take moto minutes."""
    from moto.ecr.models import Image, ecr_backends

    repository = ecr_backends[settings.ACCOUNT][settings.REGION].create_repository(name, None, {}, None, "MUTABLE", [])
    for number in range(count):
        repository.images.append(Image(settings.ACCOUNT, f"v{number}", f'{{"number": {number}}}', name))


if __name__ == "__main__":
    main()
