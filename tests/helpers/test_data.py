"""Data files have a date and a description, and valid values."""

import json

import pytest

from helpers import settings

DATA = settings.PROJECT / "helpers" / "data"


def read(name: str) -> dict:
    return json.loads((DATA / name).read_text())


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.name)
def test_each_data_file_has_a_description_and_a_date(path):
    facts = json.loads(path.read_text())
    assert facts["what"]
    assert facts["as_of"][:2] == "20"


def test_each_quota_is_a_number():
    quotas = read("quotas.json")["quotas"]
    assert all(quota["default"] > 0 and isinstance(quota["adjustable"], bool) for quota in quotas)
    assert len({quota["key"] for quota in quotas}) == len(quotas)
