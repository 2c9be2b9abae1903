"""Operations on replication: the rules, the status of an image, and backfills."""

import json
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from sqlite3 import Row
from typing import Any

import botocore.session
from moto.core.responses import ActionResult

from ecr_sandbox.aws import pagination
from ecr_sandbox.aws.errors import InvalidParameter, LimitExceededException
from ecr_sandbox.services.ecr.backend import Backend
from ecr_sandbox.services.ecr.errors import (
    ReplicationBackfillInProgressException,
    ReplicationBackfillInvalidStatusException,
    ReplicationBackfillNotFoundException,
)
from ecr_sandbox.services.ecr.operations import Operations, found
from ecr_sandbox.services.ecr.registry_settings import REPLICATION
from ecr_sandbox.state import clock

from . import status
from .backfill_table import IN_PROGRESS, JOB, PREPARING, RUNNING, STOPPED, STOPPING, Backfill, Backfills
from .subscriptions import CONFIGURATION, rules

FIELD = "replicationConfiguration"
# Service quotas, "Unique destinations across all rules in a replication configuration"; measured in
# https://github.com/awsdocs/amazon-ecr-user-guide/pull/45. The sentence for more of them is ours.
MOST = 25
MOST_RUNNING = 10  # API reference, StartReplicationBackfill
BACKFILLS_PAGE = 25  # ListReplicationBackfills without maxResults


class ReplicationOperations(Operations):
    """None of these operations is moto's."""

    def put_replication_configuration(self) -> ActionResult:
        given = self._get_param("replicationConfiguration")
        destinations = [each for rule in given["rules"] for each in rule["destinations"]]
        for each in destinations:
            self._check_destination(each)
        if len({(each["registryId"], each["region"]) for each in destinations}) > MOST:
            raise InvalidParameter(FIELD, f"A replication configuration can have at most {MOST} unique destinations")
        self.ecr_backend.settings(REPLICATION).put(CONFIGURATION, given)
        return ActionResult({"replicationConfiguration": given})

    def describe_registry(self) -> ActionResult:
        configuration = {"rules": rules(self.current_account, self.region)}
        return ActionResult({"registryId": self.current_account, "replicationConfiguration": configuration})

    def describe_image_replication_status(self) -> ActionResult:
        repository, wanted = self._repository(), self._get_param("imageId")
        image = found(repository, wanted, "imageId")
        statuses = [
            {
                "region": each.to.region,
                "registryId": each.to.account,
                "status": each.status,
                "failureCode": each.failure_code,
            }
            for each in status.of_image(Backend.store, image.id)
        ]
        about = {"imageDigest": image.digest, "imageTag": wanted.get("imageTag")}
        return ActionResult({"repositoryName": repository.name, "imageId": about, "replicationStatuses": statuses})

    def start_replication_backfill(self) -> ActionResult:
        to = self._get_param("destination")
        if to not in [each for rule in rules(self.current_account, self.region) for each in rule["destinations"]]:
            raise InvalidParameter("destination", "must be a destination of the replication configuration")
        running = [each for each in self._all_backfills() if each.status in RUNNING]
        if any(each.to_region == to["region"] for each in running):
            raise ReplicationBackfillInProgressException(to["region"], self.current_account)
        if len(running) >= MOST_RUNNING:
            raise LimitExceededException(
                f"A registry can have at most {MOST_RUNNING} replication backfills in progress."
            )
        where = (self.current_account, self.region, to["registryId"], to["region"])
        made = Backfill(str(uuid.uuid4()), *where, PREPARING, clock.now(), None)
        with Backend.store.change():
            self._backfills().add(made)
            Backend.jobs.add(JOB, id=made.id)
        return ActionResult(_described(made))

    def stop_replication_backfill(self) -> ActionResult:
        """The copy in progress is finished."""
        with Backend.store.change():
            backfill = self._backfill()
            if backfill.status not in (PREPARING, IN_PROGRESS):
                raise ReplicationBackfillInvalidStatusException(backfill.id, backfill.status)
            self._backfills().set_status(backfill, STOPPED if backfill.status == PREPARING else STOPPING)
            return ActionResult(_described(self._backfill()))

    def list_replication_backfills(self) -> ActionResult:
        page, token = self._page_of(self._all_backfills(), BACKFILLS_PAGE)
        backfills = [{**_described(each), **self._progress(each)} for each in page]
        return ActionResult({"registryId": self.current_account, "backfills": backfills, "nextToken": token})

    def describe_replication_backfill_results(self) -> ActionResult:
        backfill, only = self._backfill(), self._get_param("resultStatusFilter")

        def after(place: int | None, size: int) -> Sequence[Row]:
            return [] if backfill.status in RUNNING else self._backfills().results(backfill, only, place or 0, size)

        what = f"{backfill.id} {only}"
        size = self._get_param("maxResults") or pagination.SIZE
        page, token = pagination.page(what, after, lambda row: row["number"], self._get_param("nextToken"), size)
        results = list(map(_result, page))
        return ActionResult(
            {**_described(backfill), **self._progress(backfill), "results": results, "nextToken": token}
        )

    def _check_destination(self, to: Mapping[str, str]) -> None:
        """Raises InvalidParameter for an invalid destination.

        Source of the sentences: https://github.com/badmintoncryer/cdk-preflight,
        rules/ecr/pf-ecr-replication-destination.
        """
        if (to["registryId"], to["region"]) == (self.current_account, self.region):
            raise InvalidParameter(FIELD, "Replication destination cannot be the same as the source registry")
        if to["region"] not in _regions():
            raise InvalidParameter(FIELD, f"Invalid region '{to['region']}'")

    def _backfills(self) -> Backfills:
        return Backfills(Backend.store)

    def _all_backfills(self) -> list[Backfill]:
        return self._backfills().of_registry(self.current_account, self.region)

    def _backfill(self) -> Backfill:
        number = self._get_param("replicationBackfillId")
        for each in self._all_backfills():
            if each.id == number:
                return each
        raise ReplicationBackfillNotFoundException(number, self.current_account)

    def _progress(self, backfill: Backfill) -> dict[str, Any]:
        return {"progress": self._backfills().progress(backfill), "endedAt": backfill.ended}


@cache
def _regions() -> frozenset[str]:
    """The Regions of AWS's own partition: others are no destinations (user guide, "Considerations")."""
    return frozenset(botocore.session.Session().get_available_regions("ecr"))


def _described(backfill: Backfill) -> dict[str, Any]:
    return {
        "registryId": backfill.account,
        "replicationBackfillId": backfill.id,
        "destination": {"region": backfill.to_region, "registryId": backfill.to_account},
        "status": backfill.status,
        "startedAt": backfill.started,
    }


def _result(row: Row) -> dict[str, Any]:
    return {
        "repositoryName": row["repository"],
        "imageId": {"imageDigest": row["digest"], "imageTag": row["tag"]},
        "status": row["status"],
        "failureCode": row["failure_code"],
        "subImageFailureCodes": None if row["sub_codes"] is None else json.loads(row["sub_codes"]),
    }
