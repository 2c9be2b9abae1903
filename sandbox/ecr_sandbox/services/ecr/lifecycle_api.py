"""Operations on a repository's lifecycle policy, and on previews of one; the rules are in ``lifecycle/``."""

from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.exceptions import LifecyclePolicyNotFoundException

from ecr_sandbox.services.ecr.lifecycle.errors import PreviewNotFound
from ecr_sandbox.services.ecr.lifecycle.images import Key
from ecr_sandbox.services.ecr.lifecycle.policy import TRANSITION
from ecr_sandbox.services.ecr.lifecycle.previews import Result
from ecr_sandbox.services.image_errors import check_image_id

from .backend import Backend
from .lifecycle import policy, previews, schedule
from .operations import Operations

MOST_RESULTS = 100  # page sizes of GetLifecyclePolicyPreview: the largest, and the default


class LifecycleOperations(Operations):
    """moto stores the text of a policy; the rest is ours."""

    def get_lifecycle_policy(self) -> ActionResult:
        return self._with_evaluation(super().get_lifecycle_policy())

    def delete_lifecycle_policy(self) -> ActionResult:
        key, evaluated = self._key(), self._with_evaluation(super().delete_lifecycle_policy())
        schedule.end(Backend.store, Backend.jobs, key)
        return evaluated

    def start_lifecycle_policy_preview(self) -> ActionResult:
        """A preview of the given policy, or of the repository's own."""
        repository, text = self._repository(), self._get_param("lifecyclePolicyText")
        if not (text or repository.lifecycle_policy):
            raise LifecyclePolicyNotFoundException(repository.name, repository.registry_id)
        policy.parse(text or repository.lifecycle_policy)
        previews.start(Backend.store, Backend.jobs, self._key(), text or repository.lifecycle_policy)
        return self._answer(lifecyclePolicyText=text or repository.lifecycle_policy, status=previews.IN_PROGRESS)

    def get_lifecycle_policy_preview(self) -> ActionResult:
        repository = self._repository()
        preview = previews.find(Backend.store, Backend.jobs, self._key())
        if preview is None:
            raise PreviewNotFound(repository.name, repository.registry_id)
        token, found = None, self._chosen() if self._get_param("imageIds") else None
        if found is None:
            found, token = self._page(self._results, lambda each: each.number, MOST_RESULTS)
        return self._answer(
            lifecyclePolicyText=preview.text,
            status=preview.status,
            previewResults=[_shown(each) for each in found],
            nextToken=token,
            summary=_summary(preview.expiring, preview.transitioning),
        )

    def _key(self) -> Key:
        repository = self._repository()
        return repository.account_id, repository.region_name, repository.name

    def _results(self, after: int | None, size: int) -> Sequence[Result]:
        wanted = (self._get_param("filter") or {}).get("tagStatus", "ANY")
        tagged = {"TAGGED": True, "UNTAGGED": False}.get(wanted)
        return previews.results(Backend.store, self._key(), after or 0, size, tagged)

    def _chosen(self) -> Sequence[Result]:
        """Those of the images named by the call that the policy selects."""
        self._check_no_page("imageIds")
        everything = -1  # SQLite's LIMIT for all rows
        wanted = self._get_param("imageIds")
        for one in wanted:
            check_image_id(one)
        return [each for each in self._results(None, everything) if any(_is(each, one) for one in wanted)]

    def _with_evaluation(self, answer: ActionResult) -> ActionResult:
        """The last evaluation; moto would answer the current time."""
        at = schedule.last(Backend.store, self._key())
        return ActionResult({**answer.result, "lastEvaluatedAt": at})

    def _answer(self, **more: Any) -> ActionResult:
        repository = self._repository()
        return ActionResult({"registryId": repository.registry_id, "repositoryName": repository.name, **more})


def _is(result: Result, wanted: dict[str, str]) -> bool:
    digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
    return bool(digest or tag) and digest in (None, result.digest) and (tag is None or tag in result.tags)


def _shown(result: Result) -> dict[str, Any]:
    target = {"targetStorageClass": "ARCHIVE"} if result.action == TRANSITION else {}
    return {
        "imageTags": list(result.tags) or None,
        "imageDigest": result.digest,
        "imagePushedAt": result.pushed_at,
        "action": {"type": result.action.upper(), **target},
        "appliedRulePriority": result.priority,
        "storageClass": result.storage_class.upper(),
    }


def _summary(expiring: int, transitioning: int) -> dict[str, Any]:
    """The totals; without archived images, their number is omitted (service model)."""
    moved = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": transitioning}]
    return {
        "expiringImageTotalCount": expiring,
        **({"transitioningImageTotalCounts": moved} if transitioning else {}),
    }
