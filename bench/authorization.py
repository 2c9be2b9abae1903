"""How long it takes to verify the signature of a call, and to authorize it."""

import json
import threading
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from ecr_sandbox.auth.sigv4 import AccessKeys, verify_signature
from ecr_sandbox.aws.call import read_call
from ecr_sandbox.aws.dispatch import check_scope
from ecr_sandbox.http.middleware import Request, chain
from ecr_sandbox.iam import principals, requests
from ecr_sandbox.iam.authorization import authorize
from ecr_sandbox.services.ecr.authorization import authorization_requests
from helpers import settings

CALLS = 500
REPOSITORY = "bench"
ARN = f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository"
PUSH = ["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "BatchGetImage"]


def measure(runs: int) -> dict[str, list[float]]:
    """Milliseconds a call, for a user with a policy of its own, one of a group, and a repository policy."""
    key = _user()
    requests.register("ecr", authorization_requests)
    middleware = {
        "signature (ms a call)": [verify_signature(check_scope, AccessKeys(principals.secret_of, principals.of))],
        "authorization (ms a call)": [read_call, authorize(threading.RLock())],
    }
    figures: dict[str, list[float]] = {}
    for _ in range(runs):
        calls = [_request(key) for _ in range(CALLS)]
        for name, each in middleware.items():
            handler = chain(each, lambda _: Response(status=200))
            start = time.perf_counter()
            answers = [handler(call) for call in calls]
            figures.setdefault(name, []).append((time.perf_counter() - start) / CALLS * 1000)
            if any(answer.status_code != 200 for answer in answers):
                raise SystemExit(f"{name}: refused, so there is nothing to measure: {answers[0].get_data(True)}")
    return figures


def _user() -> Credentials:
    iam = iam_backends[settings.ACCOUNT]["aws"]
    iam.create_user(settings.REGION, "bench")
    iam.create_group("bench")
    iam.add_user_to_group("bench", "bench")
    iam.put_group_policy("bench", "read", _policy(["ecr:Describe*", "ecr:List*"], "*"))
    iam.put_user_policy("bench", "push", _policy([f"ecr:{each}" for each in PUSH], f"{ARN}/*"))
    iam.put_user_policy("bench", "put", _policy(["ecr:PutImage"], f"{ARN}/${{aws:username}}"))
    repository = ecr_backends[settings.ACCOUNT][settings.REGION].create_repository(
        REPOSITORY, None, {}, None, "MUTABLE", []
    )
    repository.policy = _policy(["ecr:DeleteRepository"], None, Effect="Deny", Principal="*")
    made = iam.create_access_key("bench")
    return Credentials(made.access_key_id, made.secret_access_key)


def _policy(actions: list[str], resource: str | None, **more: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, **({"Resource": resource} if resource else {}), **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _request(key: Credentials) -> Request:
    """A PutImage request as boto3 signs it."""
    body = json.dumps({"repositoryName": REPOSITORY, "imageManifest": "x" * 2000, "imageTag": "v1"})
    headers = {
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.PutImage",
        "Content-Type": "application/x-amz-json-1.1",
    }
    request = AWSRequest("POST", "http://localhost:5050/", headers, body)
    SigV4Auth(key, "ecr", settings.REGION).add_auth(request)
    return Request(
        EnvironBuilder("/", request.url, method="POST", headers=dict(request.headers), data=body).get_environ()
    )
