"""Replication: an image that is pushed here is soon in other registries of the sandbox too, with its bytes.

``rules.py`` says where to, ``status.py`` how far it is, ``copying.py`` does it; ``backfill.py`` does it for what was
there before the rules, ``api.py`` is what clients see of all this.
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""
