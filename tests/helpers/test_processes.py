"""Which process is it?"""

import os
import subprocess
import sys

from helpers.processes import command_of


def test_it_names_a_running_process():
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "a-word-of-its-own"])
    try:
        assert "a-word-of-its-own" in command_of(sleeper.pid)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert command_of(sleeper.pid) == ""


def test_this_process_is_python():
    assert "python" in command_of(os.getpid())
