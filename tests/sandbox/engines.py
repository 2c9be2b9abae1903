"""A separate Docker engine for tests. It reads nothing of the machine's engine and leaves nothing behind."""

import shlex
import subprocess
import time
from pathlib import Path

from machine import clients

# The shell is the first process of its PID namespace: when its standard input closes, all processes end.
# A tmpfs over /run hides the machine's containerd, because the engine would use its images. Without NET_ADMIN
# the engine cannot delete docker0 of the machine's engine, which it does for `--bridge none`.
BOOT = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs {folder}/data
setpriv --bounding-set=-net_admin --inh-caps=-net_admin \\
    {program} --config-file {folder}/daemon.json --host unix://{folder}/docker.sock --data-root {folder}/data \\
    --pidfile /run/docker.pid --bridge none --iptables=false --ip6tables=false --ip-forward=false \\
    > {folder}/log 2>&1 < /dev/null &
cat > /dev/null
"""


class Engine:
    """An engine without a container network. It can push, pull, and build images without RUN commands."""

    def __init__(self, program: str, folder: Path, configuration: str = "{}"):
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        (folder / "data").mkdir()
        (folder / "daemon.json").write_text(configuration)
        boot = BOOT.format(program=shlex.quote(clients.find(program) or program), folder=shlex.quote(str(folder)))
        argv = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", boot]
        self.shell = subprocess.Popen(argv, stdin=subprocess.PIPE)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 30
        command = ["docker", "--host", self.host, "version"]
        while subprocess.run(command, capture_output=True, timeout=30).returncode:
            if time.monotonic() > end:
                self.stop()
                raise AssertionError(f"the engine did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        assert self.shell.stdin
        self.shell.stdin.close()
        self.shell.wait(30)
