"""How each service refuses a call that its model does not allow: the codes and the sentences."""

import re
from collections.abc import Sequence
from typing import Protocol

from moto.core.exceptions import ServiceException

from ecr_sandbox.errors import ApiError

from .errors import InvalidParameter
from .protocols import CBOR, EC2, QUERY

# By signing name. All others answer ValidationException, as of the common errors of their API references.
# iam, sts, monitoring: ValidationError, https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# logs: https://github.com/aws/aws-cdk/issues/2872, ecs: its API reference, InvalidParameterException
CODES = {
    "ecs": "InvalidParameterException",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "monitoring": "ValidationError",
    "sts": "ValidationError",
}
# These two have a code for a parameter that is missing, and name a parameter as the request does.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
MISSING, INVALID = "MissingParameter", "InvalidParameterValue"
WITH_MISSING = ("ec2", "sqs")
WITH_OWN_SENTENCE = ("ecr", "ecr-public")
OWN_TYPES = ("repositoryName", "imageTag", "imageDigest", "layerDigest")  # of ECR
LONGEST = 1024  # characters of a value that an answer repeats


class Broken(Protocol):
    """A ``validation.Fault``."""

    @property
    def name(self) -> str: ...
    @property
    def constraint(self) -> str: ...
    @property
    def value(self) -> str | None: ...


def malformed(protocol: str, message: str) -> ApiError:
    """The body is not what the protocol says, or a value has another type.

    JSON: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html and measured answers (``parameters.py``).
    XML: https://github.com/huseyinbabal/taws/issues/123 (IAM), https://github.com/brendanhay/amazonka/issues/495
    (CloudWatch); EC2 has InvalidParameterValue instead. The sentences about numbers in XML are ours.
    """
    xml = INVALID if protocol == EC2 else "MalformedInput"
    json = "MalformedInput" if protocol == CBOR else "SerializationException"
    if protocol in (EC2, QUERY):
        message = message or "The request cannot be read."
    return ApiError(json, xml, message, query_status=400)


def refusal(service: str, faults: Sequence[Broken]) -> ApiError | ServiceException:
    """The error of *service* (a signing name) for the constraints that a call breaks."""
    first = faults[0]
    if service in WITH_OWN_SENTENCE:
        return InvalidParameter(*as_ecr_says(first.name, first.constraint))
    if service in WITH_MISSING:
        return _missing(first) if first.value == "null" else _invalid(first)
    count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected"
    code = CODES.get(service, "ValidationException")
    return ApiError(code, code, f"{count}: {'; '.join(map(_sentence, faults))}", query_status=400)


def as_ecr_says(field: str, constraint: str) -> tuple[str, str]:
    """ECR's own types have their own sentences: a *field* alone, without its place in the call, and other quotes.

    Sources: https://github.com/prowler-cloud/prowler/pull/603 (imageDigest);
    https://github.com/aws-actions/amazon-ecr-login/issues/225 (registryIds); https://github.com/mulgadc/spinifex,
    spinifex/gateway/ecrapi/validation_test.go, captured from ECR (repositoryName, tags), and
    spinifex/domains/ecr/awsapi/repositorypolicy_test.go (policyText).
    """
    *_, last = field.split(".")
    if (field, constraint) == ("policyText", "must not be null"):
        return "PolicyText", "Cannot be null"
    if last in OWN_TYPES:
        return last, constraint.replace(r"\/", "/")  # the model escapes the slash, ECR does not
    if values := re.search(r"\[(.*)\]$", constraint):
        constraint = f"{constraint[: values.start()]}[{', '.join(sorted(values[1].split(', '), key=_place_in_java))}]"
    constraint = "Member " + re.sub("regular expression '(.*)'$", r"regular expression pattern: \1", constraint)
    if last == "member":
        field, constraint = field.rsplit(".", 2)[0], f"Member must satisfy constraint: [{constraint}]"
    return ".".join(name[0].lower() + name[1:] for name in field.split(".")), constraint


def _place_in_java(text: str) -> int:
    """ECR lists the values of an enum in the order of a Java HashSet of at most 12 strings.

    Seen in [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION] and [REPLICATION,
    PULL_THROUGH_CACHE, CREATE_ON_PUSH]: https://github.com/badmintoncryer/cdk-preflight, rules/ecr.
    """
    hashed = 0
    for letter in text:
        hashed = (31 * hashed + ord(letter)) % 2**32
    return (hashed ^ hashed >> 16) % 16


def _sentence(fault: Broken) -> str:
    """Coral's, which all AWS services share: https://github.com/awslabs/aws-config-rules/issues/101; of the keys of a
    map: https://github.com/floci-io/floci, SesV2Json.java."""
    constraint = re.sub("regular expression '(.*)'$", r"regular expression pattern: \1", fault.constraint, flags=re.S)
    name = fault.name[:1].lower() + fault.name[1:]
    value = "" if fault.value is None else f"{fault.value[:LONGEST]} "
    member = "" if constraint.startswith(("Member ", "Map ")) else "Member "
    return f"Value {value}at '{name}' failed to satisfy constraint: {member}{constraint}"


def _missing(fault: Broken) -> ApiError:
    return ApiError(MISSING, MISSING, f"The request must contain the parameter {fault.name}", query_status=400)


def _invalid(fault: Broken) -> ApiError:
    """The beginning is AWS's; the reason is ours."""
    value = (fault.value or "").strip("'")[:LONGEST]
    message = f"Value ({value}) for parameter {fault.name} is invalid. It {fault.constraint}."
    return ApiError(INVALID, INVALID, message, query_status=400)
