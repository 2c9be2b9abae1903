"""A Docker engine of the tests' own: nothing of the machine's is read, and nothing of it is left."""

import shlex
import subprocess
import time
from pathlib import Path

from machine import clients

# The first process in its namespaces of processes and mounts: when its standard input ends, so does all the rest.
# A tmpfs over /run hides the containerd of the machine, whose images the engine would take for its own. Without the
# right to change the network the engine cannot take away docker0, the other engine's, as it does for `--bridge none`.
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
    """An engine without a network for containers: it builds what runs no command, pushes and pulls."""

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
        asked = ["docker", "--host", self.host, "version"]
        while subprocess.run(asked, capture_output=True, timeout=30).returncode:
            if time.monotonic() > end:
                self.stop()
                raise AssertionError(f"the engine does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        assert self.shell.stdin
        self.shell.stdin.close()
        self.shell.wait(30)
