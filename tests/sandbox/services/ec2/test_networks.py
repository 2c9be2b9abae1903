"""EC2's answers have no address of AWS, nor one that belongs to somebody."""

import ipaddress


def test_the_endpoint_of_every_region_is_the_sandbox(sandbox):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Region.html, ``regionEndpoint``."""
    regions = sandbox.client("ec2").describe_regions(AllRegions=True)["Regions"]
    assert {each["Endpoint"] for each in regions} == {f"localhost:{sandbox.port}"}


def test_an_instance_has_an_address_that_is_reserved_for_documentation(sandbox):
    """RFC 5737."""
    ec2 = sandbox.client("ec2")
    [instance] = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)["Instances"]
    [[found]] = [
        each["Instances"] for each in ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"]
    ]
    assert ipaddress.ip_address(found["PublicIpAddress"]) in ipaddress.ip_network("203.0.113.0/24")


def test_no_machine_images_are_loaded(sandbox):
    """They are most of the state of EC2, which is compared at each change."""
    assert sandbox.client("ec2").describe_images()["Images"] == []
