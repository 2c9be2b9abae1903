"""CloudWatch's metric of ECR: how often was pulled from a repository. moto keeps and counts the rest.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-repository-metrics.html: namespace ``AWS/ECR``,
metric ``RepositoryPullCount``, dimension ``RepositoryName``. The sandbox has one value a minute.
"""

from datetime import UTC, datetime

from ecr_sandbox.registry.pull_counts import MINUTE, Pulls
from moto.cloudwatch.models import CloudWatchMetricProvider, MetricDatum, MetricDatumBase


def install(pulls: Pulls) -> None:
    """Put our metric beside moto's, before the first call; *pulls* knows how many there were."""
    _PullCount.pulls = pulls


class _PullCount(CloudWatchMetricProvider):
    """moto asks every subclass for its metrics."""

    pulls: Pulls

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatumBase]:
        return [
            MetricDatum(
                namespace="AWS/ECR",
                name="RepositoryPullCount",
                value=count,
                dimensions=[{"Name": "RepositoryName", "Value": repository}],
                timestamp=datetime.fromtimestamp(minute * MINUTE, UTC).replace(tzinfo=None),  # as moto has it
                unit="Count",
            )
            for repository, minute, count in _PullCount.pulls.of_registry(account_id, region)
        ]
