"""Pull through cache: an image that is pulled by a rule's prefix is fetched from another registry, and kept here.

``rules.py`` says which rule goes for which repository, ``upstreams.py`` which registries there are, ``client.py``
speaks to one, ``secrets.py`` finds the password for it, ``checks.py`` notes when it was asked; ``importing.py`` does
the work, ``api.py`` is what clients see of it.
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
"""
