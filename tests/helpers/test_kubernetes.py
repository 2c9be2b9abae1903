"""Manifests are validated against Kubernetes' own schema."""

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


def test_valid_manifests_have_no_errors():
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
def test_invalid_manifests_have_errors(manifest, fault):
    assert any(fault in each for each in kubernetes.faults(manifest)), kubernetes.faults(manifest)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="There is no schema for kind 'Gateway'"):
        kubernetes.faults({"kind": "Gateway"})


def test_the_version_of_the_schema_is_returned():
    assert kubernetes.version() == "1.37.0"
