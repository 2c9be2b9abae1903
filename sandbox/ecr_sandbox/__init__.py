"""A local Amazon ECR: one process that answers the AWS APIs and the OCI distribution protocol, without an account.

The way of a request; ``app.py`` builds it:

1. ``http/``: ``server.py`` reads it, ``limits.py`` and ``origin.py`` refuse what is too large or foreign.
2. ``auth/``: who sent it? ``sigv4.py`` checks the signature of an API call, ``basic.py`` the password of ``docker``.
3. ``aws/``: ``validation.py`` checks parameters, ``call.py`` reads the call, ``transaction.py`` begins its transaction.
4. ``iam/``: ``authorization.py`` decides whether the principal may do what the service's ``authorization.py`` asks for.
5. ``aws/dispatch.py`` calls the service's code in ``services/``, or moto's. Paths under ``/v2/`` lead to ``registry/``:
   ``routes.py`` has a function for each endpoint, with the rules of ``services/ecr/``.
6. ``http/addresses.py`` gives the answer addresses that work here. ``state/`` has the change on disk before it leaves.

A change publishes an event (``registry/events.py``). Services subscribe to it and add jobs (``state/jobs.py``).
"""
