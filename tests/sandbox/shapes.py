"""Values for the shapes of botocore's service model: the smallest valid one, any valid one, and all with one error."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from hypothesis import strategies as st

DIGEST = "sha256:" + "0" * 64
UUID = "00000000-0000-0000-0000-000000000000"
ARN = "arn:aws:iam::123456789012:user/alice"
# Values that match the patterns of the model.
EXAMPLES = {
    "RegistryId": "123456789012",
    "RepositoryName": "app",
    "UploadId": UUID,
    "ReplicationBackfillId": UUID,
    "LayerDigest": DIGEST,
    "ImageDigest": DIGEST,
    "PrincipalArn": ARN,
    "Arn": "arn:aws:ecr:us-east-1:123456789012:repository/app",
    "Region": "us-east-1",
    "SigningProfileArn": "arn:aws:signer:us-east-1:123456789012:/signing-profiles/mine",
    "CredentialArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/mine",
}
# More such values. Generating text from the patterns with hypothesis takes minutes.
MORE = {
    "RepositoryName": ["a0", "team/app", "a__b", "a---b/c.d", "0/1/2_3"],
    "LayerDigest": ["sha512:" + "aF" * 64, "a+b.c_d-e:0"],
    "Prefix": ["ROOT", "a", "team/"],
    "PullThroughCacheRuleRepositoryPrefix": ["ROOT", "docker-hub"],
    "KmsKeyForRepositoryCreationTemplate": ["", "arn:aws:kms:us-east-1:123456789012:key/a-1"],
    "ScanningRepositoryFilterValue": ["*", "team-*/app", "a"],
    "RepositoryFilterValue": ["team/", "pro-"],
    "SigningRepositoryFilterValue": ["*", "team/*"],
    "ImageTagMutabilityExclusionFilterValue": ["latest", "v*", "*-SNAP.*"],
}
WRONG_TYPE: dict[str, Any] = {"structure": 1, "list": {}, "string": 1, "blob": 1, "boolean": "yes"}


def minimal(shape: Shape | None, given: Mapping[str, Any]) -> Any:
    """The smallest valid value of *shape*; members in *given* have the given values."""
    if isinstance(shape, StructureShape):
        return {name: given.get(name) or minimal(shape.members[name], given) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [minimal(shape.member, given)] * shape.metadata.get("min", 0)
    if shape is None:
        return {}
    minimum = shape.metadata.get("min", 0)
    kinds = {"integer": minimum, "long": minimum, "boolean": True, "blob": b"x"}
    if shape.type_name in kinds:
        return kinds[shape.type_name]
    return shape.enum[0] if shape.enum else EXAMPLES.get(shape.name, "x" * max(minimum, 2))


def valid(shape: Shape) -> st.SearchStrategy[Any]:
    """All valid values of *shape*, except very long ones."""
    minimum = shape.metadata.get("min", 0)
    if isinstance(shape, StructureShape):
        required = {name: valid(shape.members[name]) for name in shape.required_members}
        others = {name: valid(each) for name, each in shape.members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=others)
    if isinstance(shape, ListShape):
        return st.lists(valid(shape.member), min_size=minimum, max_size=minimum + 2)
    if shape.type_name in ("integer", "long"):
        return st.integers(minimum, shape.metadata.get("max", 2**31 - 1))
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name == "blob":
        return st.binary(max_size=50)
    return _strings(shape, minimum)


def faulty(shape: Shape, value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All values with one error, made from the valid *value*: the path of the invalid field, and the whole value."""
    if isinstance(shape, StructureShape):
        for member in shape.required_members:
            yield _path(name, member), {key: part for key, part in value.items() if key != member}
        for member, part in value.items():
            yield _path(name, member), {**value, member: WRONG_TYPE.get(shape.members[member].type_name, "1")}
            for field, wrong in faulty(shape.members[member], part, _path(name, member)):
                yield field, {**value, member: wrong}
    elif isinstance(shape, ListShape):
        if shape.metadata.get("min"):
            yield name, []
        if value and "max" in shape.metadata:
            yield name, value[:1] * (shape.metadata["max"] + 1)
        for place, part in enumerate(value, 1):
            for field, wrong in faulty(shape.member, part, f"{name}.{place}.member"):
                yield field, [*value[: place - 1], wrong, *value[place:]]
    elif shape.type_name in ("integer", "long"):
        yield name, shape.metadata.get("min", -(2**63)) - 1
        yield name, shape.metadata.get("max", 2**63 - 1) + 1
    elif shape.type_name == "string":
        yield from ((name, wrong) for wrong in _wrong_strings(shape, value))
    elif shape.type_name == "blob":
        yield name, "no base64!"


def _strings(shape: Shape, minimum: int) -> st.SearchStrategy[str]:
    maximum = shape.metadata.get("max", 4096)
    if shape.enum:
        return st.sampled_from(shape.enum)
    if "pattern" in shape.metadata:
        return st.sampled_from([*([EXAMPLES[shape.name]] if shape.name in EXAMPLES else []), *MORE.get(shape.name, [])])
    return st.text(min_size=minimum, max_size=min(maximum, minimum + 20))


def _wrong_strings(shape: Shape, value: str) -> Iterator[str]:
    yield "\ud800"
    if shape.metadata.get("min"):
        yield ""
    if maximum := shape.metadata.get("max"):
        yield "a" * (maximum + 1)
    if shape.enum:
        yield value.swapcase()
    if "pattern" in shape.metadata:
        yield value + "\n"
        yield "!" + value[1:]


def _path(parent: str, member: str) -> str:
    return f"{parent}.{member}" if parent else member
