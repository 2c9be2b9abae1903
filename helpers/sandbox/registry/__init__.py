"""The registry side: what ``docker`` talks to under ``/v2/``."""
