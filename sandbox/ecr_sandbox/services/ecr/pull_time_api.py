"""Operations on pull time exclusions: principals whose pulls do not change an image's last recorded pull time."""

from moto.core.responses import ActionResult

from ecr_sandbox.aws.errors import LimitExceededException
from ecr_sandbox.state import clock

from .errors import ExclusionAlreadyExistsException, ExclusionNotFoundException
from .operations import Operations
from .registry_settings import EXCLUSIONS, Settings

MOST = 100  # the longest list in the service model


class PullTimeOperations(Operations):
    """A principal is a user or a role, for example that of a scanner or a pipeline."""

    def register_pull_time_update_exclusion(self) -> ActionResult:
        arn, excluded = self._get_param("principalArn"), self._exclusions()
        if excluded.get(arn):
            raise ExclusionAlreadyExistsException(arn, self.current_account)
        if len(excluded.all()) >= MOST:
            raise LimitExceededException(f"A registry can have at most {MOST} pull time update exclusions.")
        made = {"principalArn": arn, "createdAt": clock.now()}
        excluded.put(arn, made)
        return ActionResult(made)

    def deregister_pull_time_update_exclusion(self) -> ActionResult:
        arn, excluded = self._get_param("principalArn"), self._exclusions()
        if not excluded.get(arn):
            raise ExclusionNotFoundException(arn, self.current_account)
        excluded.remove(arn)
        return ActionResult({"principalArn": arn})

    def list_pull_time_update_exclusions(self) -> ActionResult:
        arns = [each["principalArn"] for each in self._exclusions().all()]
        page, token = self._page_of(arns)
        return ActionResult({"pullTimeUpdateExclusions": page, "nextToken": token})

    def _exclusions(self) -> Settings:
        return self.ecr_backend.settings(EXCLUSIONS)
