"""The private registry of one account in one Region: who may do what to which repository, in ECR's words."""

from moto.ecr.exceptions import RepositoryNotFoundException

from .. import words
from ..authorize import Denied, permit
from ..doors import Request
from ..registry.house import Words
from ..resources import creation_question, repository_question
from . import templates
from .backend import Backend, Repository, backend

BEGIN_A_PUSH = ("ecr:InitiateLayerUpload", "ecr:PutImage")  # of whatever has layers, and of an index

WORDS = Words(  # ECR Public's too
    image_unknown=words.IMAGE_NOT_FOUND,
    blob_unknown=words.BLOB_UNKNOWN,
    upload_unknown=words.UPLOAD_UNKNOWN,
    digest_mismatch=words.LAYER_DIGEST_MISMATCH,
    manifest_too_large=words.MANIFEST_TOO_LARGE,
    manifest_refused=words.manifest_refused,
    first_part_only=True,
    converts=True,
    patched=201,  # the specification says 202: https://github.com/regclient/regclient/issues/81
)


class PrivateRegistry:
    """What the wire needs to know of ECR."""

    words = WORDS

    def __init__(self, account: str, region: str):
        self._account, self._region = account, region
        self.blobs, self.uploads = Backend.blobs, Backend.uploads

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, if the caller's policies and its own allow *action*; raises Refused.

        IAM is asked first, so that nobody learns which repositories exist (ECR user guide, "image-push-iam").
        """
        with Backend.store.lock:  # moto's backends are not thread-safe
            try:
                permit(request, repository_question(action, self._account, self._region, name), self._region)
                return backend(self._account, self._region).repository(name)
            except Denied as no:
                raise words.Refused(words.denied(str(no))) from None
            except RepositoryNotFoundException:
                pass
        if action in BEGIN_A_PUSH and (made := self._created_by_push(request, name)):
            return made
        raise words.Refused(words.repository_unknown(name, self._account))

    def _created_by_push(self, request: Request, name: str) -> Repository | None:
        """The repository *name*, made by a template if there is one for it; raises Refused."""
        state = backend(self._account, self._region)
        template = templates.of_registry(state, name, templates.PUSH) if templates.is_name(name) else None
        if template is None:
            return None
        try:
            with Backend.store.lock:
                question = creation_question(self._account, self._region, name, template.get("resourceTags"))
                permit(request, question, self._region)
        except Denied as no:
            raise words.Refused(words.denied(str(no))) from None
        return templates.create(state, name, templates.PUSH)
