"""Random parameters for any operation of botocore's models: valid ones, and ones with mistakes."""

import random
import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from ecr_sandbox.aws.validation import _matches

DEPTH = 6
TEXTS = [
    *("app", "default", "a", "a1", "app-1", "us-east-1", "123456789012", "/", "/app/", "1", "0", "true", "ABCD1234"),
    *("arn:aws:iam::123456789012:role/app", "arn:aws:iam::123456789012:user/app", "arn:aws:iam::aws:policy/X-Y"),
    *("arn:aws:ecs:us-east-1:123456789012:cluster/app", "arn:aws:sqs:us-east-1:123456789012:app"),
    *("arn:aws:logs:us-east-1:123456789012:log-group:app:*", "arn:aws:events:us-east-1:123456789012:rule/app"),
    *("arn:aws:lambda:us-east-1:123456789012:function:app", "arn:aws:s3:::app/key", "http://localhost:1/1/app"),
    *("{}", "[]", '{"Version": "2012-10-17", "Statement": []}', "2026-11-01", "rate(1 minute)", "vpc-12345678"),
    *("10.0.0.0/16", "sha256:" + "0" * 64, "00000000-0000-0000-0000-000000000000", "x" * 40, "alias/aws/ecr", "*"),
    *("tag:app", "resource-id", "instance-id", "subnet-12345678", "i-12345678", "ami-12345678", "AWS/ECR", "gzip"),
]
HOSTILE = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "../../x",
    "é",
    "名",
    "\U0001f40b",
    "%s",
    "{0}",
    "<a>",
    "'\"",
    "x" * 3000,
    "\r\nX: y",
]
NUMBERS = [0, 1, 2, 60, 900, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 0.5, 1e300]
JUNK = [None, True, False, 0, -1, 0.5, 10**30, "", "abc", [], [None], [[]], {}, {"a": {"b": []}}, "x" * 3000]


class Maker:
    """Makes parameters from *seed*; a *mistake* is the chance that a value is any other one."""

    def __init__(self, seed: int, mistake: float):
        self._random, self._mistake = random.Random(seed), mistake

    def parameters(self, shape: StructureShape | None) -> dict[str, Any]:
        """Parameters of an operation."""
        return self._structure(shape, 0) if shape else {}

    def _value(self, shape: Shape, depth: int) -> Any:
        if self._random.random() < self._mistake:
            return self._random.choice(JUNK + HOSTILE + NUMBERS)
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth + 1)
        if isinstance(shape, ListShape):
            least = shape.metadata.get("min", 0) if depth < DEPTH else 0
            return [self._value(shape.member, depth + 1) for _ in range(min(max(least, self._random.randint(0, 2)), 3))]
        if isinstance(shape, MapShape):
            count = self._random.randint(0, 2)
            return {str(self._value(shape.key, depth + 1)): self._value(shape.value, depth + 1) for _ in range(count)}
        return self._scalar(shape)

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        others = [name for name in shape.members if name not in shape.required_members]
        chance = self._random.choice([0.1, 0.5, 0.9]) if depth < DEPTH else 0.0
        names = [*shape.required_members, *(name for name in others if self._random.random() < chance)]
        if shape.is_tagged_union:
            names = [self._random.choice(list(shape.members))]
        if self._random.random() < self._mistake and names:
            names.remove(self._random.choice(names))
        return {name: self._value(shape.members[name], depth) for name in names}

    def _scalar(self, shape: Shape) -> Any:
        kind, choose = shape.type_name, self._random.choice
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if kind in ("string", "character"):
            return self._string(shape)
        if kind == "boolean":
            return choose([True, False])
        if kind in ("integer", "long"):
            fitting = [each for each in (*NUMBERS, least, most) if isinstance(each, int)]
            fitting = [each for each in fitting if (least or -(2**31)) <= each <= (most or 2**31 - 1)]
            return choose(fitting or [least])
        if kind in ("float", "double"):
            return choose([0.5, 1, 100.0, 0.0, -1.5])
        if kind == "timestamp":
            return choose([0, 1_790_000_000, 1_790_000_000.5, -1, 253402300799])
        return choose(["", "YQ==", "e30=", "AAAA"])

    def _string(self, shape: Shape) -> str:
        if shape.enum:
            return self._random.choice(shape.enum)
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
        pattern = shape.metadata.get("pattern")
        fitting = [each for each in TEXTS if least <= len(each) <= most and (not pattern or _matches(pattern, each))]
        return self._random.choice(fitting or [re.sub("[^a-z]", "a", "a" * max(least, 1))])
