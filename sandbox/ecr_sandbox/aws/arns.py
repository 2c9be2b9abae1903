"""ARNs that more than one service writes."""


def log_stream(region: str, account: str, group: str, stream: str = "") -> str:
    """The ARN of a stream of CloudWatch Logs, or without *stream* of the group."""
    return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
