"""ECR's operations, put in the place of moto's: moto reads the request and writes the answer.

Each method of the parts is one operation of the API reference
(https://docs.aws.amazon.com/AmazonECR/latest/APIReference/); what they leave out, moto answers, or nobody.
"""

from typing import Any

import moto.ecr.urls
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from ..token import Tokens
from ..words import NotInSandbox
from .images_api import ImageOperations
from .layers import LayerOperations
from .lifecycle_api import LifecycleOperations
from .operations import not_here
from .pull_time_api import PullTimeOperations
from .registry_api import RegistryOperations
from .replication.api import ReplicationOperations
from .repositories_api import RepositoryOperations
from .templates_api import TemplateOperations

STORED = "it is kept and shown, and nothing acts on it: "
# What the answers of an operation lack; docs/fidelity.md is made of this too.
PARTIAL = {
    "BatchCheckLayerAvailability": "the media type of a layer",
    "BatchGetImage": "conversion to Docker's schema 1",
    "BatchGetRepositoryScanningConfiguration": "nothing is scanned, whatever it says",
    "CreateRepository": "`encryptionConfiguration` and `imageScanningConfiguration` are kept and shown, and nothing is "
    "encrypted or scanned",
    "DescribeImageScanFindings": "nothing is scanned, so it always answers `ScanNotFoundException`",
    "DescribeImages": "nothing is scanned",
    "PutImageScanningConfiguration": STORED + "no scans",
    "PutRegistryScanningConfiguration": STORED + "no scans",
    "SetRepositoryPolicy": "`force`: a policy that locks its author out is not refused",
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
):
    """The control API of ECR."""

    start_image_scan = not_here  # moto finds CVE-9999-9999 in every image

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
    Response.tokens = tokens
    moto.ecr.urls.url_paths["{0}/$"] = Response.dispatch
