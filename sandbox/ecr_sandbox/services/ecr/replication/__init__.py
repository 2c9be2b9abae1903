"""Replication: an image that is pushed is copied to other registries of the sandbox.

    rules.py            the destinations of a repository
    subscriptions.py    a push or a deletion adds jobs
    copying.py          copies an image; status.py: the status of each copy
    backfill.py         copies what was there before the rules; backfill_table.py: its rows
    api.py              the operations

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""
