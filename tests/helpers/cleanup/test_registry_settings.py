"""The scanning configuration of the learner's registry is as before the course, unless somebody else changed it too."""

import pytest

from helpers import ledger
from helpers.cleanup import registry_settings


def rule(*filters: str) -> dict:
    listed = [{"filter": each, "filterType": "WILDCARD"} for each in filters]
    return {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": listed}


def put(lab, *rules: dict) -> None:
    lab.client().put_registry_scanning_configuration(scanType="BASIC", rules=list(rules))


def filters(lab) -> list[str]:
    found = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    return [each["filter"] for rule in found for each in rule["repositoryFilters"]]


@pytest.fixture
def changed(on_aws):
    """The learner had a rule, and notebook 10 added one."""
    put(on_aws, rule("prod-*"))
    registry_settings.note(on_aws, "10")
    put(on_aws, rule("prod-*", "team-*"))
    registry_settings.note(on_aws, "10")
    return on_aws


def test_it_is_restored(changed):
    assert registry_settings.restore(changed, dry_run=True).names == ["registry scanning configuration in us-east-1"]
    assert filters(changed) == ["prod-*", "team-*"]
    assert registry_settings.restore(changed) == (["registry scanning configuration in us-east-1"], [], ())
    assert filters(changed) == ["prod-*"]
    assert ledger.entries() == []
    assert registry_settings.restore(changed) == ([], [], ())


def test_what_somebody_else_changed_meanwhile_stays(changed):
    put(changed, rule("prod-*", "team-*", "shop-*"))
    problems = registry_settings.restore(changed).problems
    assert problems[0].startswith("registry scanning configuration in us-east-1 was changed by someone else too;")
    assert filters(changed) == ["prod-*", "team-*", "shop-*"]
    assert changed.clean_up()["problems"][0] == problems[0]


def test_the_rules_that_the_command_of_the_exercise_replaces_come_back(changed):
    put(changed, rule("team-*"))
    assert registry_settings.restore(changed) == (["registry scanning configuration in us-east-1"], [], ())
    assert filters(changed) == ["prod-*"]


def test_the_type_of_scan_that_somebody_else_has_chosen_meanwhile_stays(changed):
    continuous = {**rule("prod-*"), "scanFrequency": "CONTINUOUS_SCAN"}
    changed.client().put_registry_scanning_configuration(scanType="ENHANCED", rules=[continuous])
    assert "was changed by someone else too" in registry_settings.restore(changed).problems[0]
    assert filters(changed) == ["prod-*"]


def test_a_refused_lookup_is_unknown(changed, deny):
    deny("ecr:GetRegistryScanningConfiguration")
    sentence = "unknown, ecr:GetRegistryScanningConfiguration is not allowed"
    assert registry_settings.restore(changed).problems == [f"registry scanning configuration in us-east-1: {sentence}"]
    assert len(ledger.entries()) == 1


def test_other_notebooks_change_nothing(on_aws):
    registry_settings.note(on_aws, "05")
    assert ledger.entries() == []
