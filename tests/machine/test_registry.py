"""The registry program: wanted, but not insisted on."""

import pytest

from machine import registry


@pytest.mark.parametrize("name", ["docker-registry", "registry"])
def test_either_name_will_do(machine, name):
    machine.has(name)
    assert registry.program() == str(machine.bin / name)
    assert registry.missing() == {}


def test_installed_where_that_is_possible(machine):
    machine.has_apt()
    assert list(registry.missing()) == ["docker-registry"]


def test_a_container_where_it_is_not(machine, capsys):
    machine.is_user(1000)
    machine.has_apt()
    assert registry.missing() == {}
    assert "as a container" in capsys.readouterr().err
