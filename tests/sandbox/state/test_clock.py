"""The sandbox's clock: the machine's, until a client moves it forward; it never goes back."""

import time

import pytest

from tests.sandbox.api import manifest, put, upload

SAME = 120  # seconds that a slow machine may take between two looks at a clock


def ahead(sandbox) -> float:
    return sandbox.now() - time.time()


def move(sandbox, body: str) -> int:
    return sandbox.http("POST", "/_sandbox/clock", body.encode())[0]


def test_the_clock_is_the_machines_until_it_is_moved(own_sandbox):
    own_sandbox.start()
    assert abs(ahead(own_sandbox)) < SAME
    assert move(own_sandbox, '{"forward": 86400}') == 200
    assert abs(ahead(own_sandbox) - 86400) < SAME
    assert move(own_sandbox, '{"forward": 86400}') == 200
    assert abs(ahead(own_sandbox) - 2 * 86400) < SAME


def test_the_clock_survives_a_restart(own_sandbox):
    own_sandbox.start()
    move(own_sandbox, '{"forward": 3600000}')
    own_sandbox.stop()
    own_sandbox.start()
    assert abs(ahead(own_sandbox) - 3600000) < SAME


def test_the_push_time_of_an_image_uses_the_clock(own_sandbox):
    own_sandbox.start()
    ecr = own_sandbox.client()
    ecr.create_repository(repositoryName="later")
    move(own_sandbox, '{"forward": 864000}')
    upload(ecr, "later", b"{}")
    put(ecr, "later", manifest(), "v1")
    [image] = ecr.describe_images(repositoryName="later")["imageDetails"]
    assert abs(image["imagePushedAt"].timestamp() - time.time() - 864000) < SAME


@pytest.mark.parametrize("body", ['{"forward": -1}', '{"forward": 1e12}', '{"forward": "x"}', "{}", "[", ""])
def test_the_clock_refuses_other_moves_than_forward(sandbox, body):
    before = ahead(sandbox)
    assert move(sandbox, body) == 400
    assert abs(ahead(sandbox) - before) < SAME


@pytest.mark.parametrize("nothing", ['{"forward": NaN}', '{"forward": Infinity}'])
def test_values_that_are_not_numbers(sandbox, nothing):
    assert move(sandbox, nothing) == 400
