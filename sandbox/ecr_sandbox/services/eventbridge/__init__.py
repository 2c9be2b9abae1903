"""ECR's events in EventBridge: ``subscriptions.py`` stores each with its change, ``details.py`` builds it,
``delivery.py`` sends it to the targets of the matching rules, ``content.py`` makes the text for a target.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
"""
