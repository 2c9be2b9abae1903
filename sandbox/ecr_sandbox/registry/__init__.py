"""The registry protocol under ``/v2/``, and where images and blobs are stored.

A request goes to ``routes.py``, which calls the function of its endpoint in ``blobs.py``, ``blob_uploads.py``,
``manifests.py``, ``tags.py`` or ``referrers.py``. ``backend.py`` says what each registry brings of its own.
Images are rows (``images.py``), and blobs are files (``content_store.py``). Clients upload them in
``upload_sessions.py`` and download them with ``byte_ranges.py``, mostly by the URLs of ``presigned_urls.py``.
``leases.py`` says what a push under way needs, and ``garbage_collection.py`` frees what nothing needs. ``events.py``
publishes what happens to images.
"""
