"""The API of ECR Public: each method is one operation of its reference.

Source: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/. The protocol is JSON 1.1: parameters
and results are plain objects, times are Unix seconds.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageNotFoundException, RepositoryNotFoundException, RepositoryPolicyNotFoundException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import scope_of
from ecr_sandbox.auth.token import Caller, Tokens, authorization
from ecr_sandbox.aws import pagination, resource_tags
from ecr_sandbox.aws.errors import InvalidParameter, NotInSandbox
from ecr_sandbox.aws.responses import refuse
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http import addresses
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.iam.requests import call_of
from ecr_sandbox.registry import image_ids
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.errors import ImageError
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.services.image_errors import api_exception, check_image_id
from ecr_sandbox.services.repository_policies import shown, stored_repository_policy
from ecr_sandbox.state.store import Store

from .auth import REGION, passwords
from .errors import (
    RegistryNotFoundException,
    UnsupportedCommandException,
    no_such_endpoint,
)
from .repositories import Repositories, Repository, alias_of, opened

REGIONS = (REGION, "us-west-2")  # with an endpoint: https://docs.aws.amazon.com/general/latest/gr/ecr-public.html
Answer = dict[str, Any]


class Api:
    """The API's handler."""

    def __init__(self, store: Store, blobs: ContentStore, tokens: Tokens):
        self._store, self._blobs, self._passwords = store, blobs, passwords(tokens)

    def answer(self, request: Request) -> Response:
        """The answer to a request that has passed the middleware; errors are in the JSON protocol."""
        called = call_of(request)
        operation, region = called.operation, called.region
        try:
            if region not in REGIONS:
                raise no_such_endpoint()
            if region != REGION:
                raise UnsupportedCommandException(operation)
            if operation not in OPERATIONS:
                raise NotInSandbox(f"ecr-public:{operation}")
            call = Call(opened(self._store, self._blobs), self._passwords, request)
            result = OPERATIONS[operation](call)
        except (ApiError, ServiceException) as error:
            return refuse(request, error)
        return Response(json.dumps(result), content_type="application/x-amz-json-1.1")


class Call:
    """One call: its parameters and its caller, and the operations."""

    def __init__(self, repositories: Repositories, passwords: Tokens, request: Request):
        self._repositories, self._passwords, self._request = repositories, passwords, request
        called = call_of(request)
        self._account, self._given = called.account, called.parameters

    # --- registries -------------------------------------------------------------------------------------------------

    def get_authorization_token(self) -> Answer:
        scope = scope_of(self._request)
        assert scope is not None
        password, expires = self._passwords.mint(Caller(scope.access_key, self._account, REGION))
        return {"authorizationData": {"authorizationToken": authorization(password), "expiresAt": expires}}

    def describe_registries(self) -> Answer:
        """A registry gets its alias with its first repository (user guide, "Public registry concepts")."""
        alias = alias_of(self._account)
        exists = self._repositories.display_name(self._account) is not None
        registry = {
            "registryId": self._account,
            "registryArn": f"arn:aws:ecr-public::{self._account}:registry/{self._account}",
            "registryUri": f"{addresses.current.public_host()}/{alias}" if exists else "",
            "verified": False,
            "aliases": [{"name": alias, "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}]
            if exists
            else [],
        }
        return {"registries": [registry]}

    def get_registry_catalog_data(self) -> Answer:
        return {"registryCatalogData": {"displayName": self._repositories.display_name(self._account) or ""}}

    def put_registry_catalog_data(self) -> Answer:
        self._repositories.name_registry(self._account, self._given.get("displayName") or "")
        return self.get_registry_catalog_data()

    # --- repositories -----------------------------------------------------------------------------------------------

    def create_repository(self) -> Answer:
        catalog = self._given.get("catalogData")
        made = self._repositories.create(
            self._account,
            self._given["repositoryName"],
            _catalog(catalog) if catalog else None,
            resource_tags.with_more({}, self._given.get("tags") or []),
        )
        return {"repository": _described(made), "catalogData": made.catalog or {}}

    def describe_repositories(self) -> Answer:
        self._check_registry()
        if names := self._given.get("repositoryNames"):
            return {"repositories": [_described(self._repositories.find(self._account, name)) for name in names]}
        return self._page("repositories", [_described(each) for each in self._repositories.all(self._account)])

    def delete_repository(self) -> Answer:
        repository = self._repository()
        self._repositories.delete(repository, bool(self._given.get("force")))
        return {"repository": _described(repository)}

    def get_repository_catalog_data(self) -> Answer:
        """Empty if none was given: Terraform reads it for every repository, and takes an error for a failure.

        https://github.com/hashicorp/terraform-provider-aws, internal/service/ecrpublic/repository.go
        """
        return {"catalogData": self._repository().catalog or {}}

    def put_repository_catalog_data(self) -> Answer:
        repository = replace(self._repository(), catalog=_catalog(self._given["catalogData"]))
        self._repositories.save(repository)
        return {"catalogData": repository.catalog}

    def get_repository_policy(self) -> Answer:
        repository = self._repository()
        if repository.policy is None:
            raise RepositoryPolicyNotFoundException(repository.name, self._account)
        return self._policy(repository, repository.policy)

    def set_repository_policy(self) -> Answer:
        text = self._given["policyText"]
        repository = self._repository()
        stored = stored_repository_policy(text, "ecr-public")
        self._repositories.save(replace(repository, policy=stored))
        return self._policy(repository, stored)

    def delete_repository_policy(self) -> Answer:
        answer = self.get_repository_policy()
        self._repositories.save(replace(self._repository(), policy=None))
        return answer

    def list_tags_for_resource(self) -> Answer:
        tags = self._resource().tags
        return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def tag_resource(self) -> Answer:
        repository = self._resource()
        self._repositories.save(replace(repository, tags=resource_tags.with_more(repository.tags, self._given["tags"])))
        return {}

    def untag_resource(self) -> Answer:
        repository = self._resource()
        left = {key: value for key, value in repository.tags.items() if key not in self._given["tagKeys"]}
        self._repositories.save(replace(repository, tags=left))
        return {}

    # --- images -----------------------------------------------------------------------------------------------------

    def put_image(self) -> Answer:
        repository, tag = self._repository(), self._given.get("imageTag")
        check_image_id({"imageTag": tag, "imageDigest": self._given.get("imageDigest")})
        text, media_type = self._given["imageManifest"], self._given.get("imageManifestMediaType")
        try:
            image = self._repositories.store_image(repository, text, media_type, tag, self._given.get("imageDigest"))
        except ImageError as error:
            raise api_exception(error) from None
        described = {
            "registryId": self._account,
            "repositoryName": repository.name,
            "imageId": _without_none({"imageDigest": image.digest, "imageTag": tag}),
            "imageManifest": image.manifest,
            "imageManifestMediaType": image.media_type,
        }
        return {"image": described}

    def describe_images(self) -> Answer:
        repository = self._repository()
        images = self._repositories.images(repository)
        if wanted := self._given.get("imageIds"):
            chosen = [self._image(repository, images, each) for each in wanted]
        else:
            chosen = images.all()
        common = {"registryId": self._account, "repositoryName": repository.name}
        details = [
            common | _detail(image) | ({"imageTags": list(image.tags)} if image.tags else {}) for image in chosen
        ]
        return self._page("imageDetails", details)

    def describe_image_tags(self) -> Answer:
        images = self._repositories.images(self._repository()).all()
        tags = [
            {"imageTag": tag, "createdAt": image.pushed_at, "imageDetail": _detail(image)}
            for image in images
            for tag in image.tags
        ]
        return self._page("imageTagDetails", tags)

    def batch_delete_image(self) -> Answer:
        gone, failures = image_ids.delete(self._repositories.images(self._repository()), self._given["imageIds"])
        return {"imageIds": gone, "failures": failures}

    def batch_check_layer_availability(self) -> Answer:
        repository = self._repository()
        return {"layers": [self._layer(repository, digest) for digest in self._given["layerDigests"]], "failures": []}

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _check_registry(self) -> None:
        registry = self._given.get("registryId")
        if registry not in (None, self._account, alias_of(self._account)):
            raise RegistryNotFoundException(registry)

    def _repository(self) -> Repository:
        self._check_registry()
        return self._repositories.find(self._account, self._given["repositoryName"])

    def _resource(self) -> Repository:
        found = re.fullmatch(r"arn:aws:ecr-public::(\d{12}):repository/(.+)", self._given["resourceArn"])
        if not found:
            raise InvalidParameter("resourceArn", "Invalid ARN")
        if found[1] != self._account:
            raise RepositoryNotFoundException(found[2], found[1])
        return self._repositories.find(self._account, found[2])

    def _image(self, repository: Repository, images: Images, wanted: Mapping[str, str]) -> Image:
        check_image_id(wanted)
        tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
        image = images.find(tag, digest) if tag or digest else None
        if image is None:
            named = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
            raise ImageNotFoundException(named, repository.name, self._account)
        return image

    def _layer(self, repository: Repository, digest: str) -> Answer:
        size = self._repositories.blob_size(repository, digest)
        if size is None:
            return {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        media_type = self._repositories.images(repository).media_type_of(digest)
        about = {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size, "mediaType": media_type}
        return _without_none(about)

    def _policy(self, repository: Repository, text: str) -> Answer:
        return {
            "registryId": self._account,
            "repositoryName": repository.name,
            "policyText": shown(text),
        }

    def _page(self, key: str, items: list[Any]) -> Answer:
        what = f"{key} {self._account} {self._given.get('repositoryName')}"
        size = self._given.get("maxResults") or pagination.SIZE
        page, token = pagination.of_list(what, items, self._given.get("nextToken"), size)
        return _without_none({key: page, "nextToken": token})


OPERATIONS = {
    "BatchCheckLayerAvailability": Call.batch_check_layer_availability,
    "BatchDeleteImage": Call.batch_delete_image,
    "CreateRepository": Call.create_repository,
    "DeleteRepository": Call.delete_repository,
    "DeleteRepositoryPolicy": Call.delete_repository_policy,
    "DescribeImageTags": Call.describe_image_tags,
    "DescribeImages": Call.describe_images,
    "DescribeRegistries": Call.describe_registries,
    "DescribeRepositories": Call.describe_repositories,
    "GetAuthorizationToken": Call.get_authorization_token,
    "GetRegistryCatalogData": Call.get_registry_catalog_data,
    "GetRepositoryCatalogData": Call.get_repository_catalog_data,
    "GetRepositoryPolicy": Call.get_repository_policy,
    "ListTagsForResource": Call.list_tags_for_resource,
    "PutImage": Call.put_image,
    "PutRegistryCatalogData": Call.put_registry_catalog_data,
    "PutRepositoryCatalogData": Call.put_repository_catalog_data,
    "SetRepositoryPolicy": Call.set_repository_policy,
    "TagResource": Call.tag_resource,
    "UntagResource": Call.untag_resource,
}


def _described(repository: Repository) -> Answer:
    return {
        "repositoryArn": repository.arn,
        "registryId": repository.account,
        "repositoryName": repository.name,
        "repositoryUri": repository.uri,
        "createdAt": repository.created_at,
    }


def _detail(image: Image) -> Answer:
    return _without_none(
        {
            "imageDigest": image.digest,
            "imageSizeInBytes": image.size,
            "imagePushedAt": image.pushed_at,
            "imageManifestMediaType": image.media_type,
            "artifactMediaType": image.artifact_type,
        }
    )


def _catalog(given: Mapping[str, Any]) -> Answer:
    """The gallery's data of a repository."""
    if given.get("logoImageBlob"):
        raise NotInSandbox("A repository's logo")
    return {**_without_none(given), "marketplaceCertified": False}


def _without_none(content: Mapping[str, Any]) -> Answer:
    """*content* without the values that are None, which a JSON service omits."""
    return {key: value for key, value in content.items() if value is not None}
