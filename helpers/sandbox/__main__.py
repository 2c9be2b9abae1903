"""``python -m helpers.sandbox``: the sandbox in the foreground; prints ``ready URL`` when it serves."""

import sqlite3
import sys

from .server import CannotStart, Refused, serve


def main() -> int:
    """Serve; 0 when stopped by a signal, 1 with one sentence on standard error when it cannot start."""
    try:
        serve()
    except (Refused, CannotStart, ValueError) as no:
        print(no, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"The Python package '{error.name}' is missing. Run: make setup, and use .venv/bin/python", file=sys.stderr)
        return 1
    except (OSError, sqlite3.OperationalError) as error:
        print(f"The sandbox cannot write its state: {error}. Free some disk space, then run: ecr-lab up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
