"""The places where moto is extended: an upgrade that moves one fails here, by name."""

import moto.backends
import moto.ecr.models as models
import moto.ecr.urls
import pytest
from moto.core.responses import BaseResponse
from moto.ecr.responses import ECRResponse

from helpers.sandbox.aws import SERVICES


def test_the_backend_dictionary_makes_the_class_it_is_told():
    assert issubclass(models.ecr_backends.backend, models.ECRBackend)


def test_repositories_are_made_of_the_modules_attribute():
    assert "Repository" in models.ECRBackend.create_repository.__code__.co_names


def test_the_name_pattern_is_the_modules_attribute():
    assert "ECR_REPOSITORY_NAME_PATTERN" in models.ECRBackend.create_repository.__code__.co_names


def test_a_repository_is_empty_when_its_images_are():
    assert "images" in models.ECRBackend.delete_repository.__code__.co_names


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_at_one_path(service):
    module = __import__(f"moto.{service}.urls", fromlist=["url_paths"])
    assert callable(module.url_paths["{0}/$"])
    assert moto.backends.get_backend(service).iter_backends


@pytest.mark.parametrize("name", ["_get_action", "call_action", "serialized", "_get_param"])
def test_the_protocol_code_has_the_methods_we_override_or_call(name):
    assert callable(getattr(BaseResponse, name))


def test_parameters_are_parsed_by_the_model_when_asked():
    assert ECRResponse().automated_parameter_parsing is False  # ours switches it on
