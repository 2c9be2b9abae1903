"""Prepares a machine for the course; uses only the standard library."""

import sys

# An older Python must be able to read this file, and get a sentence instead of a syntax error.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Python 3.11 or newer is needed; %s is %d.%d.\nInstall one and name it: make PYTHON=python3.12 setup"  # noqa: UP031
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
