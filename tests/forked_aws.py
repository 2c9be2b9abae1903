"""The AWS CLI in a tenth of its processor time: version 1, by fork from a process that has imported it.

For tests that type many commands, and whose subject is what these do. The notebooks run the programs themselves.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from tests.fork_server import PROJECT, REQUEST_LIMIT, status_of, take_over

SOCKET = "server.sock"
DATA_PATH = "AWS_DATA_PATH"  # awscli sets it when it is imported
# It passes everything that it has to the server, and ends with the status that the server sends.
CLIENT = """#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({socket!r})
    request = {{"argv": sys.argv, "cwd": os.getcwd(), "environ": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
    sys.exit(int(server.recv(20) or 70))
"""


@contextmanager
def serving(folder: Path) -> Iterator[Path]:
    """The program ``aws`` in *folder*, which is empty and has a short name."""
    client = folder / "aws"
    client.write_text(CLIENT.format(python=sys.executable, socket=str(folder / SOCKET)))
    client.chmod(0o755)
    argv = [sys.executable, "-m", "tests.forked_aws", str(folder / SOCKET)]
    with subprocess.Popen(argv, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin and server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield client
        server.stdin.close()  # which ends the server, as the end of the tests does


def main(path: str) -> None:
    """Run the AWS CLI for each client, until standard input is closed."""
    cli = import_module("awscli.clidriver")  # here, because it changes the environment
    cli.create_clidriver()  # this imports the rest
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(path)
        server.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets children that have ended
        print("ready", flush=True)
        while server in select.select([server, sys.stdin], [], [])[0]:
            client, _ = server.accept()
            with client:
                message, descriptors, _, _ = socket.recv_fds(client, REQUEST_LIMIT, 3)
                if message and not os.fork():
                    _run(cli.main, client, message, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)


def _run(program: Callable[[], int], client: socket.socket, message: bytes, descriptors: list[int]) -> NoReturn:
    """Run one call in this process, which ends with it."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        data = os.environ[DATA_PATH]
        take_over(json.loads(message), descriptors)
        os.environ[DATA_PATH] = data
        status = status_of(lambda: sys.exit(program()))
        sys.stdout.flush()
        client.send(str(status).encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
