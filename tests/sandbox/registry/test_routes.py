"""What each request of the registry protocol needs of IAM, on ECR and ECR Public.

Sources: ECR user guide, "Required IAM permissions for pushing an image" (image-push-iam.html) and "Blob mounting"
(blob-mounting.html); API reference, ListImageReferrers; ECR Public user guide, "Public repository policies".
"""

import base64
import json
import uuid

import pytest

from ecr_sandbox.services.ecr_public.repositories import alias_of
from helpers import settings
from tests.sandbox.wire import OCI, Wire, digest_of

CONTENT = b"a layer"
BLOB, UPLOAD = digest_of(CONTENT), str(uuid.uuid4())  # neither needs to exist: IAM decides first
START, SEND, COMPLETE = "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"
STEPS = [
    # method, path, body, the actions that must be allowed
    ("POST", "blobs/uploads/", None, {START}),
    ("POST", f"blobs/uploads/?digest={BLOB}", CONTENT, {START, SEND, COMPLETE}),
    ("POST", f"blobs/uploads/?digest={BLOB}", iter, {START, SEND, COMPLETE}),
    ("POST", f"blobs/uploads/?digest={BLOB}", None, {START}),  # no client can upload a blob without bytes in one step
    ("POST", f"blobs/uploads/?mount={BLOB}&from=other", None, {START}),  # without the source's: an upload starts
    ("PATCH", f"blobs/uploads/{UPLOAD}", CONTENT, {SEND}),
    ("PUT", f"blobs/uploads/{UPLOAD}?digest={BLOB}", None, {COMPLETE}),
    ("PUT", f"blobs/uploads/{UPLOAD}?digest={BLOB}", CONTENT, {SEND, COMPLETE}),
    ("PUT", f"blobs/uploads/{UPLOAD}?digest={BLOB}", iter, {SEND, COMPLETE}),
    ("GET", f"blobs/uploads/{UPLOAD}", None, {SEND}),
    ("DELETE", f"blobs/uploads/{UPLOAD}", None, {SEND}),
    ("HEAD", f"blobs/{BLOB}", None, {"BatchCheckLayerAvailability"}),
    ("GET", f"blobs/{BLOB}", None, {"GetDownloadUrlForLayer"}),
    ("HEAD", "manifests/v1", None, {"BatchGetImage"}),
    ("GET", "manifests/v1", None, {"BatchGetImage"}),
    ("PUT", "manifests/v1", b"{}", {"PutImage"}),
    ("DELETE", "manifests/v1", None, {"BatchDeleteImage"}),
    ("GET", "tags/list", None, {"ListImages"}),
    ("GET", f"referrers/{BLOB}", None, {"BatchGetImage"}),
    ("GET", "/v2/_catalog", None, {"DescribeRepositories"}),  # ECR Public has no list
]
ACTIONS = sorted(set().union(*(needed for *_, needed in STEPS)))
# On ECR Public everybody may pull, and nobody may list the repositories.
FOR_EVERYONE = {"BatchGetImage", "GetDownloadUrlForLayer", "ListImages", "DescribeRepositories"}


class Client:
    """A user who may do everything except what ``deny`` names, and a client of the registry with its password."""

    def __init__(self, sandbox, service: str):
        self._service, self._iam = service, sandbox.client("iam")
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        self._name, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [everything]})
        name = f"test-{uuid.uuid4().hex[:8]}"
        made = sandbox.client(service).create_repository(repositoryName=name)["repository"]
        data = sandbox.client(service, key=key).get_authorization_token()["authorizationData"]
        if service == "ecr":
            self.wire = Wire(sandbox.url, name, f"Basic {data[0]['authorizationToken']}")
        else:
            host = made["repositoryUri"].partition("/")[0]
            password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
            self.wire = Wire(f"http://{host}", f"{alias_of(settings.ACCOUNT)}/{name}", f"Bearer {password}")

    def deny(self, action: str) -> None:
        denial = {"Effect": "Deny", "Action": f"{self._service}:{action}", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
        self._iam.put_user_policy(UserName=self._name, PolicyName="deny", PolicyDocument=document)

    def is_denied(self, method: str, path: str, body: object) -> bool:
        content = iter([CONTENT]) if body is iter else body  # an iterator is sent in chunks, without its length
        return self.wire.ask(method, path, content, Content_Type=OCI).status_code == 403


@pytest.fixture(scope="module", params=["ecr", "ecr-public"])
def client(sandbox, request) -> Client:
    return Client(sandbox, request.param)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_requests_that_need_an_action(client, action):
    client.deny(action)
    public = client._service == "ecr-public"
    needed_by = [step for *step, needed in STEPS if action in needed and not (public and action in FOR_EVERYONE)]
    assert [step for *step, _ in STEPS if client.is_denied(*step)] == needed_by
