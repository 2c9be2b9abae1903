"""ECR's metric in CloudWatch: the number of pulls from a repository. moto stores and aggregates it.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-repository-metrics.html: namespace ``AWS/ECR``,
metric ``RepositoryPullCount``, dimension ``RepositoryName``. The sandbox gives one value a minute.
"""

from datetime import UTC, datetime

from moto.cloudwatch.models import CloudWatchMetricProvider, MetricDatum, MetricDatumBase

from ecr_sandbox.registry.pull_counts import MINUTE, Pulls


def install(pulls: Pulls) -> None:
    """Add our metric to moto's, before the first call; *pulls* has the counts."""
    _PullCount.pulls = pulls


class _PullCount(CloudWatchMetricProvider):
    """moto calls every subclass of its provider."""

    pulls: Pulls

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatumBase]:
        return [
            MetricDatum(
                namespace="AWS/ECR",
                name="RepositoryPullCount",
                value=count,
                dimensions=[{"Name": "RepositoryName", "Value": repository}],
                timestamp=datetime.fromtimestamp(minute * MINUTE, UTC).replace(tzinfo=None),
                unit="Count",
            )
            for repository, minute, count in _PullCount.pulls.of_registry(account_id, region)
        ]
