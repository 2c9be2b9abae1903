"""Events of ECR for EventBridge: ``details.py`` writes them, ``listening.py`` keeps them with what they tell of,
``delivery.py`` takes them to the targets of the rules that match.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
"""
