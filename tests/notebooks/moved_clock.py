"""``python -m tests.notebooks.moved_clock PYTHON -m ecr_sandbox serve``: a sandbox whose clock starts at BEGIN.

So the times in a screenshot are the same whenever it is taken. Signatures and passwords use the machine's clock.
"""

import runpy
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace

from ecr_sandbox.state import clock

BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

if __name__ == "__main__":
    moved = BEGIN.timestamp() - time.time()
    clock.time = SimpleNamespace(time=lambda: time.time() + moved)  # type: ignore[assignment]
    sys.argv = sys.argv[3:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
