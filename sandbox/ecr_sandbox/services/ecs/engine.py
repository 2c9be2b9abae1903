"""The Docker engine that runs the tasks: the user's, but without the user's Docker configuration.

The configuration would bring the user's passwords and proxies into the containers.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import docker_engine

if TYPE_CHECKING:
    import docker


class Engines:
    """The engine, found when it is first needed; *folder* is the sandbox's state folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._lock = threading.Lock()
        self._found: docker.DockerClient | None = None
        self.used = False

    def one(self) -> "docker.DockerClient":
        """A client of the engine; raises SandboxError."""
        with self._lock:
            if self._found is None:
                os.environ |= docker_engine.variables(os.environ)
                os.environ["DOCKER_CONFIG"] = str(self._folder / "docker")
                self._found, self.used = docker_engine.client(), True
            return self._found

    def remove_containers(self) -> None:
        """Remove every container of this sandbox's tasks; without an engine, do nothing."""
        import docker.errors

        from ecr_sandbox.errors import SandboxError

        with suppress(SandboxError, docker.errors.DockerException, OSError):
            docker_engine.remove_tasks(self.one(), self._folder)
