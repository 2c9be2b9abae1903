"""CloudWatch: Logs, and the metrics of ECR."""
