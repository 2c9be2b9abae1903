"""The parts of moto that the sandbox extends. An upgrade of moto that changes one fails here."""

import moto.backends
import moto.ecr.models as models
import moto.ecr.urls
import pytest
from moto.core.responses import BaseResponse
from moto.ecr.responses import ECRResponse

from ecr_sandbox.aws.dispatch import SERVICES


def test_the_backend_dictionary_creates_the_class_in_its_attribute():
    assert issubclass(models.ecr_backends.backend, models.ECRBackend)


def test_repositories_are_created_from_the_class_in_the_module():
    assert "Repository" in models.ECRBackend.create_repository.__code__.co_names


def test_the_name_pattern_is_an_attribute_of_the_module():
    assert "ECR_REPOSITORY_NAME_PATTERN" in models.ECRBackend.create_repository.__code__.co_names


def test_deleting_a_repository_checks_its_attribute_images():
    assert "images" in models.ECRBackend.delete_repository.__code__.co_names


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_one_path(service):
    module = __import__(f"moto.{service}.urls", fromlist=["url_paths"])
    assert callable(module.url_paths["{0}/$"])
    assert moto.backends.get_backend(service).iter_backends


@pytest.mark.parametrize("name", ["_get_action", "call_action", "serialized", "_get_param"])
def test_the_protocol_code_has_the_methods_we_override_or_call(name):
    assert callable(getattr(BaseResponse, name))


def test_parameters_are_not_parsed_by_the_model_by_default():
    assert ECRResponse().automated_parameter_parsing is False  # the sandbox enables it


def test_iam_reads_its_role_and_validators_from_the_module():
    import moto.iam.models as iam
    from moto.iam.policy_validation import VALID_RESOURCE_PATH_STARTING_VALUES

    assert "Role" in iam.IAMBackend.create_role.__code__.co_names
    for operation in (
        "create_policy",
        "create_policy_version",
        "put_user_policy",
        "put_group_policy",
        "put_role_policy",
    ):
        assert "IAMPolicyDocumentValidator" in getattr(iam.IAMBackend, operation).__code__.co_names
    assert "IAMTrustPolicyDocumentValidator" in iam.IAMBackend.update_assume_role_policy.__code__.co_names
    assert set(VALID_RESOURCE_PATH_STARTING_VALUES["iam"]) == {"values", "error_message"}


def test_every_method_of_ecs_that_we_override_exists():
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.ecs.responses import EC2ContainerServiceResponse
    from moto.ecs.urls import url_paths

    from ecr_sandbox.services.ecs.api import Response
    from ecr_sandbox.services.ecs.backend import Backend

    overridden = {"describe_tasks", "list_tasks", "stop_task", "update_service", "delete_service", "describe_services"}
    overridden |= {"_get_cluster", "_get_service", "create_cluster", "delete_cluster", "describe_task_definition"}
    assert overridden <= set(vars(EC2ContainerServiceBackend)) and overridden <= set(vars(Backend))
    operations = {name for name in vars(Response) if not name.startswith("_") and name != "call_action"}
    assert operations <= set(vars(EC2ContainerServiceResponse))
    assert callable(url_paths["{0}/$"]) and EC2ContainerServiceResponse().automated_parameter_parsing


def test_a_cloudwatch_log_stream_keeps_its_events_in_a_list():
    from moto.logs.models import LogGroup

    group = LogGroup("123456789012", "us-east-1", "group")
    group.create_log_stream("stream")
    group.streams["stream"].put_log_events([{"timestamp": 1, "message": "line"}])
    assert [event.message for event in group.streams["stream"].events] == ["line"]


def test_a_path_of_lambda_is_routed_to_its_operation():
    from moto.core.routing import get_service_router
    from werkzeug.test import EnvironBuilder

    from ecr_sandbox.http.middleware import Request

    request = Request(EnvironBuilder(path="/2015-03-31/functions/web", method="GET").get_environ())
    operation, parameters = get_service_router("lambda").match(request)
    assert (operation.name, parameters["FunctionName"]) == ("GetFunction", "web")
