"""Sandboxes that start in a tenth of the processor time: by fork, from a process that has imported what they need.

A test whose subject is the program itself (its start, its memory, what it loads) starts the program. All others use
``Popen`` of this file. The process that it makes is a child of the tests' process, as with ``subprocess``, and runs
``ecr_sandbox.cli`` from its first line.
"""

import ctypes
import functools
import gc
import inspect
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import ecr_sandbox.services

PROJECT = Path(__file__).parents[1]
# What moto loads for the services of the sandbox; the first call of each would load it in each process.
SERVICES = ("ecr", "iam", "sts", "ecs", "ec2", "logs", "cloudwatch", "events", "awslambda", "secretsmanager", "sqs")
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
REQUEST_LIMIT = 2**20  # bytes


class Popen(subprocess.Popen):
    """``subprocess.Popen`` for ``[python, "-m", "ecr_sandbox", "serve", …]``; the real one where fork is not enough."""

    def _execute_child(self, *arguments: Any) -> None:
        given = inspect.signature(super()._execute_child).bind(*arguments).arguments
        command = list(map(os.fspath, given["args"]))
        if not _is_sandbox(command) or not sys.platform.startswith("linux"):
            super()._execute_child(*arguments)
            return
        ends = [given[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        self.pid = _server().fork(
            {
                "argv": command[command.index("ecr_sandbox") :],
                "cwd": os.fspath(given["cwd"] or Path.cwd()),
                "environ": dict(os.environ if given["env"] is None else given["env"]),
                "new_session": given["start_new_session"],
            },
            [own if end == -1 else end for own, end in enumerate(ends)],
        )
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[name] for name in pipes))


SUBPROCESS = SimpleNamespace(Popen=Popen, DEVNULL=subprocess.DEVNULL)  # what ecr_sandbox.background uses of it


def _is_sandbox(command: list[str]) -> bool:
    """Whether nothing stands before the sandbox, such as a program that changes its clock."""
    return [part for part in command if part != "-P"][:3] == [sys.executable, "-m", "ecr_sandbox"]


class _Server:
    """The process that has imported everything. It ends when the tests' process does."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
        # "serve" is in its command line, by which the sandbox recognizes a process of its own.
        argv = [sys.executable, "-m", "tests.fork_server", str(other.fileno()), "ecr_sandbox serve"]
        with other:
            self._process = subprocess.Popen(
                argv,
                env=clean | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
                cwd=PROJECT,
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._lock = threading.Lock()

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> int:
        """The ID of a new process. It is the child of this process, which therefore adopts it for a moment."""
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        with self._lock:
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
                answer = self._socket.recv(REQUEST_LIMIT)
            finally:
                prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        if not answer:
            raise RuntimeError(f"the fork server has ended with status {self._process.wait(10)}")
        return int(answer)


@functools.cache
def _server() -> _Server:
    return _Server()


def main(connection: socket.socket) -> None:
    """Fork a sandbox for each request until the other end of the connection is closed."""
    for name in SERVICES:
        import_module(f"moto.{name}.urls")
        import_module(f"moto.{name}.models")
    import_module("docker")
    for module in pkgutil.walk_packages(ecr_sandbox.services.__path__, "ecr_sandbox.services."):
        import_module(module.name)
    import_module("ecr_sandbox.app")
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, REQUEST_LIMIT, 3)
        if not message:
            return
        connection.send(str(_orphan(json.loads(message), descriptors)).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _orphan(request: dict[str, Any], descriptors: list[int]) -> int:
    """The ID of a new process whose parent has ended, so that the process which adopts orphans is its parent."""
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        pid = os.fork()
        if not pid:
            _become(request, descriptors)
        os.write(writing, str(pid).encode())
        os._exit(0)
    os.close(writing)
    pid = int(os.read(reading, 20))
    os.close(reading)
    os.waitpid(parent, 0)
    return pid


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Run the program as ``python -m ecr_sandbox`` does, and end this process with its exit status."""
    if request["new_session"]:
        os.setsid()
    take_over(request, descriptors)
    os.closerange(len(descriptors), os.sysconf("SC_OPEN_MAX"))
    time.tzset()
    status = status_of(lambda: runpy.run_module("ecr_sandbox", run_name="__main__"))
    threading._shutdown()  # waits for the threads, as the end of a program does
    sys.stdout.flush()
    os._exit(status)


def take_over(request: dict[str, Any], descriptors: list[int]) -> None:
    """Get the arguments, folder, environment, standard input and outputs with which the program was called."""
    for own, descriptor in enumerate(descriptors):
        os.dup2(descriptor, own)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = request["argv"]


def status_of(program: Callable[[], object]) -> int:
    """The exit status of a Python program that was run to its end."""
    try:
        program()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
