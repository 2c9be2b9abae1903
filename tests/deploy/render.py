"""Prints the pod that KubeSpawner makes of deploy/values.yaml, and what Kubernetes' schema says to it, as JSON.

    python render.py VALUES.yaml …

It runs in the environment of deploy/tests.lock, without a cluster. The chart's own jupyterhub_config.py needs one, so
NAMES repeats its table: https://github.com/jupyterhub/zero-to-jupyterhub-k8s, files/hub/jupyterhub_config.py, 4.4.0.
"""

import asyncio
import json
import sys

import kubernetes_validate
import kubespawner.spawner
import yaml
from kubernetes_asyncio import client
from kubespawner import KubeSpawner
from traitlets.config import Config

VERSION = "1.34"
NAMES = {
    "cmd": "cmd",
    "cpu.guarantee": "cpu_guarantee",
    "cpu.limit": "cpu_limit",
    "defaultUrl": "default_url",
    "extraAnnotations": "extra_annotations",
    "extraContainers": "extra_containers",
    "extraEnv": "environment",
    "extraPodConfig": "extra_pod_config",
    "fsGid": "fs_gid",
    "memory.guarantee": "mem_guarantee",
    "memory.limit": "mem_limit",
    "startTimeout": "start_timeout",
    "storage.capacity": "storage_capacity",
    "uid": "uid",
}
# These become other objects than the pod, or are read below.
ELSEWHERE = ("image", "networkPolicy", "cloudMetadata", "storage.type")


def merged(values: dict, more: dict) -> dict:
    """As Helm merges files of values: mappings are merged, anything else is replaced, and null removes."""
    result = dict(values)
    for name, value in more.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def settings(values: dict, prefix: str = "") -> dict:
    """The settings of `singleuser`, as traits of KubeSpawner; KeyError for one that the chart does not know."""
    found = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if path in NAMES:
            found[NAMES[path]] = value
        elif path not in ELSEWHERE and not path.startswith(("storage.homeMountPath", "storage.extraVolume")):
            found |= settings(value, f"{path}.") if isinstance(value, dict) else {NAMES[path]: value}
    return found


def spawner(values: dict) -> KubeSpawner:
    """A spawner for one user that is configured as by the chart, and calls no cluster."""
    user = values["singleuser"]
    config = Config()
    for trait, value in settings(user).items():
        config.KubeSpawner[trait] = value
    config.KubeSpawner.namespace = "learn-amazon-ecr"
    config.KubeSpawner.image = f"{user['image']['name']}:{user['image']['tag']}"
    home = {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    mount = {"name": "home", "mountPath": user["storage"]["homeMountPath"]}
    config.KubeSpawner.volumes = [home, *user["storage"]["extraVolumes"]]
    config.KubeSpawner.volume_mounts = [mount, *user["storage"]["extraVolumeMounts"]]
    made = KubeSpawner(config=config, _mock=True)  # with the package's own stand-ins for the user and the hub
    made.api_token = "token"
    return made


def main() -> None:
    kubespawner.spawner.load_config = kubespawner.spawner.shared_client = lambda *_, **__: None  # there is no cluster
    values: dict = {}
    for path in sys.argv[1:]:
        with open(path) as file:
            values = merged(values, yaml.safe_load(file))
    pod = asyncio.run(spawner(values).get_pod_manifest())
    manifest = client.ApiClient.sanitize_for_serialization(client.ApiClient.__new__(client.ApiClient), pod)
    try:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
        error = ""
    except kubernetes_validate.ValidationError as problem:
        error = f"{'.'.join(map(str, problem.path))}: {problem.message}"
    print(json.dumps({"pod": manifest, "error": error}))


if __name__ == "__main__":
    main()
