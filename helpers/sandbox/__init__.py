"""The local AWS: one process, one port, a line of doors. ``python -m helpers.sandbox`` runs it."""
