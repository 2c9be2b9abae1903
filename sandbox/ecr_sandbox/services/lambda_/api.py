"""The API of Lambda, for functions that are images: create, get, update, delete. Functions are not invoked.

moto's Lambda cannot be stored in a file, and checks neither image nor repository policy. Functions are rows.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and the other operations there
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Response

from ecr_sandbox.aws.errors import InvalidParameter, NotInSandbox
from ecr_sandbox.aws.responses import refuse
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import denied_sentence
from ecr_sandbox.iam.requests import AuthorizationRequest, call_of
from ecr_sandbox.registry.image_source import ImageSource
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from . import errors, images
from .authorization import SERVICE, arn

SCHEMA = """
CREATE TABLE IF NOT EXISTS functions (account TEXT, region TEXT, name TEXT, content TEXT NOT NULL,
    PRIMARY KEY (account, region, name))
"""
HERE = {
    *("FunctionName", "Role", "Code", "PackageType", "Timeout", "MemorySize", "Description", "Architectures"),
    *("ImageConfig", "Environment", "Tags", "EphemeralStorage", "Publish"),
}
KEPT = ("Role", "Timeout", "MemorySize", "Description", "Architectures", "Environment", "EphemeralStorage")
DEFAULTS: Mapping[str, Any] = {
    "Timeout": 3,
    "MemorySize": 128,
    "Description": "",
    "Architectures": ["x86_64"],
    "EphemeralStorage": {"Size": 512},
}


class Functions:
    """The functions in *store*; their images come from *source*."""

    def __init__(self, store: Store, source: ImageSource):
        store.add(SCHEMA)
        self._store, self._source = store, source

    def answer(self, request: Request) -> Response:
        """Lambda's answer; an error for what the sandbox does not support."""
        call = call_of(request)
        operation = call.operation
        known = {
            "CreateFunction": (self._create, 201),
            "GetFunction": (self._get, 200),
            "GetFunctionConfiguration": (self._configuration, 200),
            "ListFunctions": (self._list, 200),
            "UpdateFunctionCode": (self._update_code, 200),
            "DeleteFunction": (self._delete, 204),
        }
        try:
            if operation not in known:
                raise NotInSandbox(f"lambda:{operation or 'a request of this path'}")
            method, status = known[operation]
            answer = method(request, call.parameters)
        except (ApiError, ServiceException) as no:
            return refuse(request, no)
        return Response(json.dumps(answer) if answer else "", status=status, content_type="application/json")

    def _create(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        account, region = _where(request)
        for name in sorted(set(given) - HERE):
            if given[name]:
                raise NotInSandbox(f"'{name}' of a function")
        if given.get("PackageType") != "Image" or not (given.get("Code") or {}).get("ImageUri"):
            raise NotInSandbox("A function that is not an image")
        name = _name(str(given.get("FunctionName") or ""))
        if self._find(account, region, name):
            raise errors.exists(name)
        role = str(given.get("Role") or "")
        if not _trusted(role, account):
            raise errors.cannot_assume()
        made = {**DEFAULTS, **{each: given[each] for each in KEPT if given.get(each) is not None}}
        made |= {"FunctionName": name, "FunctionArn": arn(region, account, name), "PackageType": "Image"}
        if given.get("ImageConfig"):
            made["ImageConfigResponse"] = {"ImageConfig": given["ImageConfig"]}
        kept = {"configuration": made, "tags": given.get("Tags") or {}}
        self._put(request, name, self._with_code(request, kept, given["Code"]["ImageUri"]))
        creating = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
        return {**made, **creating}

    def _with_code(self, request: Request, kept: dict[str, Any], image: str) -> dict[str, Any]:
        """The function with the code *image*, which is checked now and pinned by its digest."""
        about = kept["configuration"]
        digest = images.checked(self._source, image, about["FunctionArn"], request)
        about |= {
            "Version": "$LATEST",
            "CodeSha256": digest.removeprefix("sha256:"),
            "CodeSize": 0,
            "LastModified": datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "RevisionId": str(uuid.uuid4()),
        }
        stem = image.partition("@")[0]
        head, colon, tail = stem.rpartition(":")
        resolved = f"{head if colon and '/' not in tail else stem}@{digest}"
        code = {"RepositoryType": "ECR", "ImageUri": image, "ResolvedImageUri": resolved}
        return {**kept, "code": code}

    def _get(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        kept = self._function(request, given)
        return {"Configuration": kept["configuration"], "Code": kept["code"], "Tags": kept["tags"]}

    def _configuration(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._function(request, given)["configuration"])

    def _list(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Functions": [each["configuration"] for each in self._all(*_where(request))]}

    def _update_code(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        kept = self._function(request, given)
        if not given.get("ImageUri"):
            raise NotInSandbox("A function that is not an image")
        changed = self._with_code(request, kept, given["ImageUri"])
        self._put(request, changed["configuration"]["FunctionName"], changed)
        return dict(changed["configuration"])

    def _delete(self, request: Request, given: Mapping[str, Any]) -> None:
        kept = self._function(request, given)
        with self._store.change() as db:
            key = (*_where(request), kept["configuration"]["FunctionName"])
            db.execute("DELETE FROM functions WHERE account = ? AND region = ? AND name = ?", key)

    def _function(self, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
        account, region = _where(request)
        name = _name(str(given.get("FunctionName") or ""))
        found = self._find(account, region, name)
        if found is None:
            raise errors.not_found(arn(region, account, name))
        return found

    def _find(self, account: str, region: str, name: str) -> dict[str, Any] | None:
        select = "SELECT content FROM functions WHERE account = ? AND region = ? AND name = ?"
        with closing(self._store.read().execute(select, (account, region, name))) as rows:
            row = rows.fetchone()
        return json.loads(row["content"]) if row else None

    def _all(self, account: str, region: str) -> Iterator[dict[str, Any]]:
        select = "SELECT content FROM functions WHERE account = ? AND region = ? ORDER BY name"
        for row in self._store.read().execute(select, (account, region)).fetchall():
            yield json.loads(row["content"])

    def _put(self, request: Request, name: str, kept: dict[str, Any]) -> None:
        with self._store.change() as db:
            values = (*_where(request), name, json.dumps(kept))
            db.execute("INSERT OR REPLACE INTO functions VALUES (?, ?, ?, ?)", values)


def control(store: Store, source: ImageSource) -> Handler:
    """The handler of Lambda's API."""
    return Functions(store, source).answer


def _where(request: Request) -> tuple[str, str]:
    call = call_of(request)
    return call.account, call.region


def _name(given: str) -> str:
    """The function's name in a name, a partial ARN or an ARN."""
    name = given.rpartition(":function:")[2] if ":function:" in given else given
    if not name or len(name) > 64 or not name.replace("-", "").replace("_", "").isalnum():
        raise InvalidParameter("functionName", "must satisfy regular expression '[a-zA-Z0-9-_]+'")
    return name


def _trusted(role_arn: str, account: str) -> bool:
    role = principals.role(role_arn)
    if role is None:
        return False
    trust = (principals.trust_policy(role),)
    asked = AuthorizationRequest("sts:AssumeRole", role_arn, role.account_id, {}, trust, delegated_only=True)
    return denied_sentence(principals.service(SERVICE, account), asked, {}) is None
