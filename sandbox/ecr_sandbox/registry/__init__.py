"""The registry side: what ``docker`` talks to under ``/v2/``.

A request goes to ``wire.py``, which finds its line in the table, and from there to ``layers.py``, ``pushing.py``,
``manifests.py`` or ``discovery.py``. These ask ``house.py`` for what differs between registries, ``uploads.py`` for
layers on their way in, ``links.py`` for where layers are fetched, ``conversion.py`` for another form of a manifest,
and at the end ``distribution.py``, the process that keeps the bytes.
"""
