"""A hub whose learners each have a pair of containers, as they have a pod on Kubernetes."""

import asyncio
import json
import os
from pathlib import Path

from jupyterhub.spawner import Spawner

from tests.deploy.pair import Pair


class PairSpawner(Spawner):
    """Starts the containers of deploy/compose.yaml for one learner, with jupyterhub-singleuser in place of the lab."""

    def pair(self) -> Pair:
        more = Path(f"{self.user.name}.json").resolve()
        return Pair(f"deploy-test-{self.user.name}", os.environ, more)

    async def start(self) -> tuple[str, int]:
        course = {"command": ["jupyterhub-singleuser"], "environment": self.get_env()}
        Path(f"{self.user.name}.json").write_text(json.dumps({"services": {"course": course}}))
        await asyncio.to_thread(self.pair().up)
        url = await asyncio.to_thread(self.pair().url)
        return "127.0.0.1", int(url.rpartition(":")[2])

    async def stop(self, now: bool = False) -> None:
        await asyncio.to_thread(self.pair().call, "down", "--timeout", "5")

    async def poll(self) -> int | None:
        got = await asyncio.to_thread(self.pair().call, "ps", "--quiet", "--status", "running", "course")
        return None if got.stdout else 0


c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.JupyterHub.hub_ip = os.environ["HUB_ADDRESS"]  # of this machine, as containers reach it
c.JupyterHub.hub_port = int(os.environ["HUB_INNER_PORT"])
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['HUB_PROXY_PORT']}"
c.JupyterHub.spawner_class = PairSpawner
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.services = [{"name": "test", "api_token": os.environ["HUB_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "test", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["test"]}
]
c.Spawner.env_keep = []
c.Spawner.ip = "0.0.0.0"
c.Spawner.port = 8888
c.Spawner.start_timeout = c.Spawner.http_timeout = 1800  # five start at the same time, perhaps on a busy machine
