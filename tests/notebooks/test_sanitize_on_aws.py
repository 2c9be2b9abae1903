"""The outputs of a notebook in the sandbox and on AWS are equal except for what aws.cfg names."""

import pytest

from tests.notebooks.record import AWS, sanitized


@pytest.mark.parametrize(
    ("recorded", "on_aws"),
    [
        ("localhost:5050/demo-app-repo:v1", "210987654321.dkr.ecr.eu-west-3.amazonaws.com/demo-app-repo:v1"),
        ("http://localhost:5050/v2/", "https://210987654321.dkr.ecr.eu-west-3.amazonaws.com/v2/"),
        (
            "http://localhost:5050/console/ecr/repositories/private/demo-app-repo",
            "https://eu-west-3.console.aws.amazon.com/ecr/repositories/private/210987654321/demo-app-repo"
            "?region=eu-west-3",
        ),
        (
            "http://localhost:5050/console/ecr/create-repository",
            "https://eu-west-3.console.aws.amazon.com/ecr/create-repository?region=eu-west-3",
        ),
        (
            "http://localhost:5050/console/ecs/task-definitions",
            "https://eu-west-3.console.aws.amazon.com/ecs/v2/task-definitions?region=eu-west-3",
        ),
        ("http://localhost:5050", "https://api.ecr.eu-west-3.amazonaws.com"),
        (
            "arn:aws:ecr:us-east-1:123456789012:repository/demo-x",
            "arn:aws:ecr:eu-west-3:210987654321:repository/demo-x",
        ),
        ("arn:aws:iam::123456789012:user/administrator", "arn:aws:iam::210987654321:user/rehearsal"),
        ("arn:aws:iam::123456789012:user/administrator", "arn:aws:sts::210987654321:assumed-role/a-role/GitHubActions"),
        (
            "✔ sandbox: account 123456789012, region us-east-1, registry localhost:5050\n"
            "✔ isolated: cells cannot reach a real account",
            "✔ AWS: account 210987654321, region eu-west-3, registry 210987654321.dkr.ecr.eu-west-3.amazonaws.com\n"
            "  you are arn:aws:iam::210987654321:user/rehearsal\n"
            "✔ confirmed: all that is made here gets the tag\n"
            "✔ second account: 111122223333, profile another",
        ),
        ("localhost:5053/q1a8w6c8/demo-public-hello", "public.ecr.aws/r0j6i2y2/demo-public-hello"),
        (
            "✔ the sandbox's clock says 2027-01-02 00:02:28\n2 images, 10.0 MB:  latest  v1.0",
            "AWS's clock cannot be moved. Continue, and run this cell again when the time has passed.\n"
            "5 images, 25.0 MB:  (no tag)  (no tag)  (no tag)  latest  v1.0",
        ),
        ("COMPLETE\t3\nEXPIRE\t1\tNone\nEXPIRE\t1\tNone\nEXPIRE\t1\tNone", "COMPLETE\t0"),
        ("v1.0: TRANSITION by rule 1\nlatest: TRANSITION by rule 1", "nothing would happen"),
        ("month 1: 0.023 GB-months, 0.23 cents", "month 1: 0.000 GB-months, 0.00 cents"),
        ("SCAN_ON_PUSH ['demo-scan-*']", "SCAN_ON_PUSH []"),
        (
            "the page: Hello from a container!",
            "the page: The task runs in your VPC, and its security group allows no traffic from outside.",
        ),
        ("one      two", "one  two"),
        ("a\nb", "a\n… waiting until AWS applies this, at most 60 seconds: the new access key works\nb"),
        ("a\nb", "  This costs about $0.03: about 3 questions to Cost Explorer.\na\nb"),
        ("BLOB_MOUNTING\tENABLED", "BLOB_MOUNTING\tDISABLED"),
        (
            "✔ Sandbox         running, the engine reaches it\n✔ Clock           right\n",
            "✔ Clock           right\n✔ AWS identity    known\n✔ Permissions     all is allowed\n",
        ),
    ],
)
def test_what_differs_on_aws_is_equal(recorded, on_aws):
    assert sanitized(recorded, AWS) == sanitized(on_aws, AWS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("localhost:5050/demo-app-repo", "210987654321.dkr.ecr.eu-west-3.amazonaws.com/demo-other-repo"),
        ("arn:aws:iam::123456789012:user/demo-reader", "arn:aws:iam::210987654321:user/demo-pusher"),
        ("arn:aws:iam::123456789012:user/administrator", "arn:aws:sts::210987654321:assumed-role/demo-node/pull"),
        ("2 images, 10.0 MB:  latest  v1.0", "5 images, 25.0 MB:  (no tag)  (no tag)  (no tag)  latest  v1.0"),
        ("COMPLETE\t3\nEXPIRE\t1\tNone", "COMPLETE\t0"),
        ("v1.0: EXPIRE by rule 1", "nothing would happen"),
        ("SCAN_ON_PUSH ['demo-scan-*']", "MANUAL []"),
        ("the page: Hello from a container!", "the page: Not Found"),
        ("REGISTRY_POLICY_SCOPE\tV2", "REGISTRY_POLICY_SCOPE\tV1"),
        ("onetwo", "one  two"),
        ("✔ AWS CLI         installed\n", "✔ AWS CLI         installed\n✗ Permissions     not possible in IAM\n"),
    ],
)
def test_other_facts_stay_different(one, other):
    assert sanitized(one, AWS) != sanitized(other, AWS)
