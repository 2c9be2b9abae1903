"""Pull through cache: a pull from a repository with a rule's prefix imports the image from an upstream registry.

    rules.py        which rule covers a repository, and its name upstream
    upstreams.py    the upstream registries that a rule can name
    client.py       the client of an upstream registry; credentials.py: its user and password
    checks.py       when upstream was last asked about a tag
    importing.py    imports an image before a pull
    api.py          the operations on rules

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""
