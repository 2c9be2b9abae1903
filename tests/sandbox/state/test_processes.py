"""Command lines of processes."""

import os
import subprocess
import sys

from ecr_sandbox.state.processes import command_of, running


def test_the_command_line_of_a_running_process():
    program = "import time; print('up', flush=True); time.sleep(60)"
    sleeper = subprocess.Popen([sys.executable, "-c", program, "a-unique-argument"], stdout=subprocess.PIPE)
    try:
        assert sleeper.stdout
        assert sleeper.stdout.readline() == b"up\n"
        assert "a-unique-argument" in command_of(sleeper.pid)
        assert running("a-unique-argument") == [sleeper.pid]
    finally:
        sleeper.kill()
        sleeper.communicate()
    assert command_of(sleeper.pid) == ""


def test_the_command_line_of_this_process():
    assert "python" in command_of(os.getpid())
