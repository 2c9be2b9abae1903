"""What a call answers when something fails that nobody foresaw: an error of the protocol, never a traceback.

The change is undone before, by ``transaction.py``. The sandbox's log has one line that says where it happened.
"""

import sqlite3
import sys
import traceback
from pathlib import Path

from ecr_sandbox.errors import ApiError, not_supported
from ecr_sandbox.iam.requests import Call
from ecr_sandbox.state import disk

from .errors import internal, storage_full

PACKAGES = ("ecr_sandbox", "moto")
LONGEST = 1000  # characters of a line in the log
PASSING = (OSError, sqlite3.Error, MemoryError)


def contained(error: Exception, call: Call, folder: Path) -> ApiError:
    """The error that *call* answers for *error*; *folder* is the state's.

    What may pass is an error that SDKs retry. moto's own code fails for the same input every time: the sandbox does
    not support that input.
    """
    if isinstance(error, (OSError, sqlite3.Error)) and disk.is_full(folder, error):
        return storage_full()
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if {*PACKAGES} & {*Path(frame.filename).parts}]
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    print(f"{call.service}:{call.operation} failed at {where}: {error!r}"[:LONGEST], file=sys.stderr, flush=True)
    if frames and "moto" in Path(frames[-1].filename).parts and not isinstance(error, PASSING):
        return not_supported(f"{call.service}:{call.operation} with these parameters")
    return internal()
