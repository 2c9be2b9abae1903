"""The values for zero-to-jupyterhub make the pod that README.md describes, by KubeSpawner and without a cluster."""

import math
import re
import tomllib

import pytest
import yaml

from machine.project import ROOT

FOLDER = ROOT / "deploy"
VALUES = FOLDER / "values.yaml"


@pytest.fixture(scope="module")
def pod(render) -> dict:
    """The specification of the pod."""
    made, error = render(VALUES)
    assert error == ""
    return made["spec"]


def engine_of(spec: dict) -> dict:
    (engine,) = [container for container in spec["containers"] if container["name"] == "engine"]
    return engine


def test_root_in_the_pod_is_not_root_of_the_node(pod):
    assert pod["hostUsers"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert pod["automountServiceAccountToken"] is False
    assert not any("hostPath" in volume for volume in pod["volumes"])


def test_only_the_engine_has_rights_of_its_own(pod):
    rights = {"add": ["SYS_ADMIN", "NET_ADMIN"]}
    assert engine_of(pod)["securityContext"]["capabilities"] == rights
    assert engine_of(pod)["securityContext"]["privileged"] is False
    assert "args" not in engine_of(pod), "--allow-real-root is for one machine"
    (course,) = [container for container in pod["containers"] if container["name"] != "engine"]
    assert course["securityContext"] == {"runAsUser": 1000, "allowPrivilegeEscalation": False}


def test_both_containers_share_the_socket_and_have_limits(pod):
    for container in pod["containers"]:
        assert {"mountPath": "/run/engine", "name": "socket"} in container["volumeMounts"]
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


def test_the_home_folder_survives_the_pod(pod):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert "persistentVolumeClaim" in volumes[mounts["/home/learner"]]
    state = re.search(r"ECR_TUTORIAL_STATE=(\S+)", (ROOT / "Containerfile").read_text())
    assert state and state[1].startswith("/home/learner/")


def test_a_pod_reaches_names_and_the_hub_and_nothing_else():
    policy = yaml.safe_load(VALUES.read_text())["singleuser"]["networkPolicy"]
    assert [name for name, allowed in policy["egressAllowRules"].items() if allowed] == ["dnsPortsKubeSystemNamespace"]


def test_with_the_internet_private_addresses_stay_closed(render):
    more = yaml.safe_load((FOLDER / "internet.yaml").read_text())
    assert more == {"singleuser": {"networkPolicy": {"egressAllowRules": {"nonPrivateIPs": True}}}}


def test_with_sysbox_the_engine_has_no_capability(render):
    made, error = render(VALUES, FOLDER / "sysbox.yaml")
    assert error == ""
    assert made["spec"]["runtimeClassName"] == "sysbox-runc"
    assert "hostUsers" not in made["spec"]
    assert engine_of(made["spec"])["securityContext"] == {"runAsUser": 0, "runAsGroup": 0}


@pytest.mark.parametrize("right", ["procMount", "seccompProfile", "mountPath", "sizeLimit"])
def test_a_typo_is_refused(render, tmp_path, right):
    wrong = tmp_path / "values.yaml"
    wrong.write_text(VALUES.read_text().replace(f"{right}:", f"{right}s:"))
    try:
        _, error = render(wrong)
    except AssertionError as refused:  # by KubeSpawner, before the schema sees it
        error = str(refused)
    assert f"{right}s" in error


def test_fifty_pods_fit_into_the_quota(pod):
    hard = for_the_cluster()["ResourceQuota"]["spec"]["hard"]
    requests = [container["resources"]["requests"] for container in pod["containers"]]
    limits = [container["resources"]["limits"] for container in pod["containers"]]
    assert 50 * sum(size(each["memory"]) for each in requests) <= size(hard["requests.memory"])
    assert 50 * sum(size(each["memory"]) for each in limits) <= size(hard["limits.memory"])
    assert 50 * sum(size(each["cpu"]) for each in requests) <= size(hard["requests.cpu"])
    storage = yaml.safe_load(VALUES.read_text())["singleuser"]["storage"]["capacity"]
    assert 50 * size(storage) <= size(hard["requests.storage"])


def test_the_table_of_sizes_follows_from_the_requests(pod):
    requests = [container["resources"]["requests"] for container in pod["containers"]]
    memory, processors = (sum(size(each[name]) for each in requests) for name in ("memory", "cpu"))
    on_a_node = math.floor(min(29 * 2**30 / memory, 7.5 / processors) + 1e-9)
    text = (FOLDER / "README.md").read_text()
    assert f"has room for {on_a_node} learners" in text
    volume = size(yaml.safe_load(VALUES.read_text())["singleuser"]["storage"]["capacity"]) / 2**30
    for learners in (10, 50, 200):
        row = f"| {learners} | {math.ceil(learners / on_a_node)} | {learners * volume:.0f} GiB |"
        assert row in text


def test_the_runtime_class_is_in_the_file_for_the_cluster(pod):
    made = for_the_cluster()["RuntimeClass"]
    assert made["metadata"]["name"] == pod["runtimeClassName"]
    assert f"runtimes.{made['handler']}]" in (FOLDER / "README.md").read_text()


def test_the_hub_of_the_chart_and_jupyterhub_in_the_image_agree():
    chart = re.search(r"chart 4\.4\.0 \(JupyterHub (\d+\.\d+)", (FOLDER / "README.md").read_text())
    locked = re.search(r"^jupyterhub==(\d+\.\d+)", (FOLDER / "hub.lock").read_text(), re.MULTILINE)
    assert chart and locked and chart[1] == locked[1]


def test_hub_lock_has_the_same_versions_as_the_course():
    def versions(path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), re.MULTILINE))

    ours, more = versions(ROOT / "requirements.lock"), versions(FOLDER / "hub.lock")
    both = ours.keys() & more.keys()
    assert {name: more[name] for name in both} == {name: ours[name] for name in both}


@pytest.mark.parametrize(("group", "lock"), [("hub", "hub.lock"), ("deploy", "tests.lock")])
def test_the_locks_have_what_the_groups_name(group, lock):
    names = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"][group]
    text = (FOLDER / lock).read_text()
    assert "make lock" in text
    assert "://" not in text.replace("https://github.com", "")
    for name in names:
        assert re.search(rf"^{re.split('[<>=]', name)[0]}==", text, re.MULTILINE), name


def for_the_cluster() -> dict[str, dict]:
    """The objects of cluster.yaml by their kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((FOLDER / "cluster.yaml").read_text())}


def size(text: str | float) -> float:
    """A quantity of Kubernetes as a number, for example ``"512Mi"`` in bytes or ``"100m"`` of a processor."""
    units = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "G": 1e9, "M": 1e6, "": 1}
    matched = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", str(text))
    assert matched, text
    return float(matched[1]) * units[matched[2]]
