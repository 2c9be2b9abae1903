"""ECR's operations, which replace moto's: moto parses the request and serializes the answer.

Each method of the parts is one operation of the API reference
(https://docs.aws.amazon.com/AmazonECR/latest/APIReference/). moto answers the others, or they are not supported.
"""

import json
from typing import Any

import moto.ecr.urls
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.aws import json_answers
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.services.ecr.pull_through.api import CacheOperations
from ecr_sandbox.services.ecr.replication.api import ReplicationOperations

from .images_api import ImageOperations
from .layers_api import LayerOperations
from .lifecycle_api import LifecycleOperations
from .operations import not_supported
from .pull_time_api import PullTimeOperations
from .registry_api import RegistryOperations
from .repositories_api import RepositoryOperations
from .scan_api import ScanOperations
from .templates_api import TemplateOperations

OTHER_UPSTREAMS = "of the upstream registries, Docker Hub (the stand-in), ECR Public and ECR are here; a pull says so"
NO_ROLE = "`encryptionConfiguration` is kept and shown: nothing is encrypted"
# The unsupported part of an operation; docs/fidelity.md lists it.
PARTIAL = {
    "BatchCheckLayerAvailability": "the media type of a layer that no image uses yet",
    "BatchGetImage": "conversion to Docker's schema 1",
    "CreatePullThroughCacheRule": OTHER_UPSTREAMS,
    "CreateRepository": "`encryptionConfiguration` is kept and shown, and nothing is encrypted",
    "CreateRepositoryCreationTemplate": NO_ROLE,
    "DescribeImageScanFindings": "packages other than those of dpkg, apk, pip and npm; what is known of these "
    "is said with each scan",
    "ListImageReferrers": "of an image that came through the cache, what refers to it upstream",
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
        # Without it moto also parses a JSON body as a form, and a policy text could name another repository.
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        try:
            return super().call_action()
        except NotImplementedError:
            return self.serialized(ActionResult(NotInSandbox(self._get_action())))

    def serialized(self, action_result: ActionResult) -> Any:
        result = action_result.result
        if isinstance(result, Exception):
            return super().serialized(action_result)
        written = json_answers.writer("ecr", self._get_action())(result)
        return 200, self.response_headers, json.dumps(written).encode()  # in text, moto replaces <RequestId>


def answers(operation: str) -> bool:
    """Whether the sandbox supports *operation*; others answer NotInSandbox."""
    return getattr(Response, camelcase_to_underscores(operation), not_supported) is not not_supported


def install(tokens: Tokens) -> None:
    """Replace moto's class by this one. Call it before moto's first answer."""
    RegistryOperations.tokens = tokens
    moto.ecr.urls.url_paths["{0}/$"] = Response.dispatch
