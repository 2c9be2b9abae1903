"""What every answer of ECR has in common."""

import json


def test_a_text_with_a_tag_of_moto_stays_as_it_is(sandbox, repository):
    """moto writes its request ID between these tags, in every answer that it takes for XML."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    rule = {"rulePriority": 1, "description": "<RequestId>mine</RequestId>", "selection": selection}
    text = json.dumps({"rules": [{**rule, "action": {"type": "expire"}}]})
    ecr = sandbox.client()
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)
    found = json.loads(ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"])
    assert found["rules"][0]["description"] == "<RequestId>mine</RequestId>"
