"""The service whose operation a request calls, whatever service it is signed for.

On AWS the address names the service. Here one address serves them all, and the request names it.
"""

from ecr_sandbox.http.middleware import Request

# The part of X-Amz-Target before the dot (``targetPrefix`` of botocore's models), and the service's signing name.
TARGET_PREFIXES = {
    "AWSEvents": "events",
    "AWSInsightsIndexService": "ce",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonSQS": "sqs",
    "GraniteServiceVersion20100801": "monitoring",
    "Logs_20140328": "logs",
    "SpencerFrontendService": "ecr-public",
    "secretsmanager": "secretsmanager",
}
# The Version in the query protocol (``apiVersion``), and the service's signing name.
QUERY_VERSIONS = {
    "2010-05-08": "iam",
    "2010-08-01": "monitoring",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2016-11-15": "ec2",
}


def service_called(request: Request) -> str | None:
    """The signing name of the service, or None if the request does not name one that the sandbox has."""
    if target := request.headers.get("X-Amz-Target"):
        return TARGET_PREFIXES.get(target.partition(".")[0])
    return QUERY_VERSIONS.get(request.form.get("Version", ""))
