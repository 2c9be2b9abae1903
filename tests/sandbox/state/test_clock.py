"""The sandbox's clock: it shows the machine's time until a client moves it forward. It never moves back."""

import time

import pytest

from tests.sandbox.api import manifest, put, upload

TOLERANCE = 120  # seconds that a slow machine can need between two reads of a clock


def ahead(sandbox) -> float:
    return sandbox.now() - time.time()


def move(sandbox, body: str) -> int:
    return sandbox.control("POST", "/_sandbox/clock", body.encode())[0]


def test_the_clock_is_the_machines_until_it_is_moved(own_sandbox):
    own_sandbox.start()
    assert abs(ahead(own_sandbox)) < TOLERANCE
    assert move(own_sandbox, '{"forward": 86400}') == 200
    assert abs(ahead(own_sandbox) - 86400) < TOLERANCE
    assert move(own_sandbox, '{"forward": 86400}') == 200
    assert abs(ahead(own_sandbox) - 2 * 86400) < TOLERANCE


def test_the_clock_survives_a_restart(own_sandbox):
    own_sandbox.start()
    move(own_sandbox, '{"forward": 3600000}')
    own_sandbox.stop()
    own_sandbox.start()
    assert abs(ahead(own_sandbox) - 3600000) < TOLERANCE


def test_the_push_time_of_an_image_uses_the_clock(own_sandbox):
    own_sandbox.start()
    ecr = own_sandbox.client()
    ecr.create_repository(repositoryName="later")
    move(own_sandbox, '{"forward": 864000}')
    upload(ecr, "later", b"{}")
    put(ecr, "later", manifest(), "v1")
    [image] = ecr.describe_images(repositoryName="later")["imageDetails"]
    assert abs(image["imagePushedAt"].timestamp() - time.time() - 864000) < TOLERANCE


@pytest.mark.parametrize("body", ['{"forward": -1}', '{"forward": 1e12}', '{"forward": "x"}', "{}", "[", ""])
def test_the_clock_moves_forward_only(sandbox, body):
    before = ahead(sandbox)
    assert move(sandbox, body) == 400
    assert abs(ahead(sandbox) - before) < TOLERANCE


@pytest.mark.parametrize("body", ['{"forward": NaN}', '{"forward": Infinity}'])
def test_values_that_are_not_finite_are_refused(sandbox, body):
    assert move(sandbox, body) == 400
