"""Exercise 04.1."""

from helpers import settings
from helpers.exercises import checks


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


NAME = "demo-billing/api"
DONE = f"✔ 04.1 {NAME} is what the team ordered"


def test_each_thing_that_the_order_lacks_is_named(plain, capsys):
    ecr = plain.client()
    checks.check("04.1")
    found = ecr.create_repository(repositoryName=NAME, tags=[settings.TAG])["repository"]
    checks.check("04.1")
    ecr.put_image_tag_mutability(repositoryName=NAME, imageTagMutability="IMMUTABLE")
    checks.check("04.1")
    ecr.put_image_scanning_configuration(repositoryName=NAME, imageScanningConfiguration={"scanOnPush": True})
    checks.check("04.1")
    ecr.tag_resource(resourceArn=found["repositoryArn"], tags=[{"Key": "cost-center", "Value": "4711"}])
    checks.check("04.1")
    assert printed(capsys) == [
        f"✗ 04.1 there is no repository {NAME} yet. Hint: the name is team/application, in lower case.",
        f"✗ 04.1 the next push can change {NAME}:1.4. Hint: one of the options makes tags immutable.",
        f"✗ 04.1 an image that is pushed to {NAME} is not scanned. Hint: section 4 shows two ways.",
        f"✗ 04.1 {NAME} has no tag cost-center=4711. Hint: --tags, or tag-resource later.",
        DONE,
    ]


def test_a_rule_of_the_registry_and_an_exclusion_for_other_tags_pass(plain, capsys):
    ecr = plain.client()
    ecr.create_repository(
        repositoryName=NAME,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
        tags=[settings.TAG, {"Key": "cost-center", "Value": "4711"}],
    )
    filters = [{"filter": "demo-billing/*", "filterType": "WILDCARD"}]
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[rule])
    checks.check("04.1")
    assert printed(capsys) == [DONE]
