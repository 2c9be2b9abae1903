"""ECR's operations, put in the place of moto's: moto reads the request and writes the answer.

Each method of the parts is one operation of the API reference
(https://docs.aws.amazon.com/AmazonECR/latest/APIReference/); what they leave out, moto answers, or nobody.
"""

from typing import Any

import moto.ecr.urls
from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.services.ecr.pull_through.api import CacheOperations
from ecr_sandbox.services.ecr.replication.api import ReplicationOperations
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from .images_api import ImageOperations
from .layers_api import LayerOperations
from .lifecycle_api import LifecycleOperations
from .operations import not_here
from .pull_time_api import PullTimeOperations
from .registry_api import RegistryOperations
from .repositories_api import RepositoryOperations
from .scan_api import ScanOperations
from .templates_api import TemplateOperations

OTHER_UPSTREAMS = "of the upstream registries, Docker Hub (the stand-in), ECR Public and ECR are here; a pull says so"
NO_ROLE = "`encryptionConfiguration` is kept and shown: nothing is encrypted"
# What the answers of an operation lack; docs/fidelity.md is made of this too.
PARTIAL = {
    "BatchCheckLayerAvailability": "the media type of a layer",
    "BatchGetImage": "conversion to Docker's schema 1",
    "CreatePullThroughCacheRule": OTHER_UPSTREAMS,
    "CreateRepository": "`encryptionConfiguration` is kept and shown, and nothing is encrypted",
    "CreateRepositoryCreationTemplate": NO_ROLE,
    "DescribeImageScanFindings": "packages other than those of dpkg, apk, pip and npm; what is known of these "
    "is said with each scan",
    "ListImageReferrers": "of an image that came through the cache, what refers to it upstream",
    "SetRepositoryPolicy": "`force`: a policy that locks its author out is not refused",
    "UpdateRepositoryCreationTemplate": NO_ROLE,
    "ValidatePullThroughCacheRule": OTHER_UPSTREAMS,
}


class Response(
    RegistryOperations,
    RepositoryOperations,
    ImageOperations,
    LayerOperations,
    LifecycleOperations,
    PullTimeOperations,
    TemplateOperations,
    ReplicationOperations,
    ScanOperations,
    CacheOperations,
):
    """The control API of ECR."""

    def __init__(self) -> None:
        super().__init__()
        # Without it moto reads a JSON body as a form too, and a policy text could name another repository.
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        try:
            return super().call_action()
        except NotImplementedError:
            return self.serialized(ActionResult(NotInSandbox(self._get_action())))


def answers(operation: str) -> bool:
    """Whether the sandbox has *operation*; what it has not, it says so (NotInSandbox)."""
    return getattr(Response, camelcase_to_underscores(operation), not_here) is not not_here


def install(tokens: Tokens) -> None:
    """Put this class in the place of moto's. To be called before moto answers anything."""
    RegistryOperations.tokens = tokens
    moto.ecr.urls.url_paths["{0}/$"] = Response.dispatch
