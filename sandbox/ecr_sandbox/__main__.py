"""``python -m ecr_sandbox``: the sandbox in the foreground; prints ``ready URL`` when it serves."""

import os
import sqlite3
import sys

from botocore.loaders import Loader

from ecr_sandbox.serve import NoPort, Refused, serve


def main() -> int:
    """Serve; 0 when stopped by a signal, 1 with one sentence on standard error when it cannot start."""
    _isolate()
    try:
        serve()
    except (Refused, NoPort, ValueError) as no:
        print(no, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f"The Python package '{error.name}' is missing. Run: make setup, and use .venv/bin/python", file=sys.stderr
        )
        return 1
    except (OSError, sqlite3.OperationalError) as error:
        print(
            f"The sandbox cannot write its state: {error}. Free some disk space, then run: ecr-lab up", file=sys.stderr
        )
        return 1
    return 0


def _isolate() -> None:
    """moto is made of botocore, which would read the user's keys, settings and models: none of them is for us."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    Loader.CUSTOMER_DATA_PATH = os.devnull


if __name__ == "__main__":
    sys.exit(main())
