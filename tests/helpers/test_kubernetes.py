"""The manifest of a learner against Kubernetes' own schema."""

import pytest

from helpers import kubernetes

CONTAINER = {"name": "web", "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:v1"}


def deployment(container: dict | None = None, **pod) -> dict:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container or CONTAINER], **pod},
            },
        },
    }


def test_what_kubernetes_takes():
    port = {**CONTAINER, "ports": [{"containerPort": 8080}]}
    assert kubernetes.faults(deployment(port, imagePullSecrets=[{"name": "ecr"}])) == []
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "ecr"},
        "type": "kubernetes.io/dockerconfigjson",
    }
    assert kubernetes.faults({**secret, "data": {".dockerconfigjson": "e30="}}) == []


@pytest.mark.parametrize(
    "manifest, fault",
    [
        (deployment(imagePullSecret=[{"name": "ecr"}]), "'imagePullSecret' was unexpected"),
        (deployment({"image": "x"}), '"name" is a required property'),
        (deployment({**CONTAINER, "ports": [{"containerPort": "8080"}]}), '"8080" is not'),
        (deployment(imagePullSecrets="ecr"), 'spec.template.spec.imagePullSecrets: "ecr" is not'),
        ({**deployment(), "apiVersion": "extensions/v1beta1"}, 'apiVersion: "extensions/v1beta1" is not one of'),
        ({"kind": "Deployment", "spec": deployment()["spec"]}, "apiVersion: is missing"),
        ({**deployment(), "spec": {}}, '"selector" is a required property'),
    ],
)
def test_what_it_does_not(manifest, fault):
    assert any(fault in each for each in kubernetes.faults(manifest)), kubernetes.faults(manifest)


def test_a_kind_that_the_course_does_not_write():
    with pytest.raises(ValueError, match="'Gateway' is not here"):
        kubernetes.faults({"kind": "Gateway"})


def test_its_version_is_said():
    assert kubernetes.version() == "1.37.0"
