"""Writes docs/fidelity.md: what the sandbox has of ECR's API, from the service model, the code and the tests.

``python -m tests.docs.fidelity`` writes it; ``test_fidelity.py`` fails when it is out of date. A test says
what it proves with ``@pytest.mark.operation("PutImage", ...)``.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import botocore.session

from ecr_sandbox.services.ecr.responses import PARTIAL, answers
from ecr_sandbox.services.ecr_public.api import OPERATIONS as PUBLIC
from helpers import settings

DOCUMENT = settings.PROJECT / "docs" / "fidelity.md"
TESTS = settings.PROJECT / "tests" / "sandbox"
MARK = "pytest.mark.operation"

HEAD = """\
# How far the sandbox is ECR

<!-- Written by `python -m tests.docs.fidelity`. Change that file, the marks in the tests or `PARTIAL` in
     sandbox/ecr_sandbox/services/ecr/responses.py, not this one. -->

Of the {all} operations of ECR's API the sandbox has {full} in full and {partial} in part; to the other {no} it answers
`UnsupportedOperationException: … is not part of this sandbox. It works on AWS.` and changes nothing. *Full* means:
every parameter does what the API reference says, and what is refused is refused with AWS's error code.

| operation | here | what is missing | proved by (tests/sandbox) |
|---|---|---|---|
"""

PUBLIC_HEAD = """
## ECR Public

Of the {all} operations of ECR Public's API the sandbox has {here}. {names} answer `UnsupportedOperationException`.
"""

UNLIKE = """
## Where the sandbox is still unlike AWS

Everywhere:

- Sentences of errors that were not found in public are our own; their codes are the service model's. Each stands in
  `sandbox/ecr_sandbox/services/ecr/errors.py` with its source, or with the remark that it is ours.
- There are no quotas: not on the rate of calls, nor on repositories, images, or tags of an image.
- Nothing is encrypted or signed. What can be set for it is kept and shown.
- `BLOB_MOUNTING` is on from the start; on AWS one switches it on.

Images and layers:

- The last recorded pull time is noted by the first pull after 24 hours; on AWS it may be noted more often.
  BatchGetImage is a pull, as the registry's GET of a manifest is; HEAD and DescribeImages are none.
- An archived image that BatchGetImage asks for is the failure `ImageInaccessible`; docker is told, as by AWS, that
  there is no such image. Restoring takes 10 minutes of the sandbox's clock (AWS: up to 20; pushing the image again:
  none). Archiving an image archives what refers to it. The 90 days that AWS charges at least are not charged.
- A manifest that was converted for a client (OCI to Docker's schema 2 or back) has the same content as on AWS, but not
  the same bytes, so another digest. Docker's schema 1 is not made.
- A `nextToken` is good until the sandbox ends.
- BatchDeleteImage takes the ids in their order, so an index and then its images can go in one call. In which order AWS
  takes them is not published.
- `imageTag` must be a tag that docker can write (at most 128 characters). The service model allows 300 of any kind.
- GetDownloadUrlForLayer gives a link to the sandbox itself, which reads like one of S3 and is good for an hour.

Scans:

- What is found is real, but what is looked for is a small snapshot of advisories with a date (`ecr-sandbox
  advisories` shows what is in it, `ecr-sandbox advisories refresh` asks OSV for today's). AWS knows many more. Each
  scan says in its `description`, after AWS's own sentence, how many packages were compared, and of how many nothing is
  known here.
- Packages of dpkg, apk, pip and npm are seen; those of RPM, Java, Go and others are not. Layers packed with zstd are
  not read. Systems other than Debian, Ubuntu and Alpine are answered as AWS answers those that it does not know.
- The words about a vulnerability are ours, or OSV's after a refresh. A severity is the database's, else that of the
  CVSS 3 score, else `UNDEFINED`. There is no EPSS and no exploitability; Inspector's score is the base score.
- An image that the basic scan cannot read is `FAILED` with `UnsupportedImageError`, as in many public logs; an
  enhanced one `UNSUPPORTED_IMAGE`. An enhanced scan on push ends as `COMPLETE`; until an enhanced scan has a result
  it is `ScanNotFoundException`, as reported by pipelines. How many basic scans an account has a day is not counted.
- When enhanced scanning is switched on, images of the last 30 days are scanned. Continuous scans look again when the
  advisories change, and end 30 days after the push.
- Inspector itself (`inspector2`) is not here: its findings are read from ECR.

The registry protocol (`/v2/`):

- The OCI conformance suite 1.1.1, run by hand in November 2026, passes but for five of its tests: a part of a layer is
  answered with 201, and must have 5 MiB unless it is the last, as on ECR. `test_oci_conformance.py` has its cases.
- What is known of ECR is done as ECR does it, with the source beside the code: 201 for a part, a `Range` that stays at
  the first part, layers by redirect, 405 for a manifest that cannot be read.
- What is not known is a choice: a part that is too small, or no part at all, is refused with `BLOB_UPLOAD_INVALID`; an
  upload tells its true length when asked; `DELETE` of a layer is `UNSUPPORTED`; digests are sha256 only; a client that
  accepts no form of a manifest gets the stored one; a list of referrers has up to 1,000 entries; an index of layers
  (BuildKit's cache without `image-manifest=true`) is refused with 400, as on ECR, by the code `MANIFEST_INVALID`.
- A layer that no image uses yet can be pulled here over the protocol; GetDownloadUrlForLayer refuses it.
- ECR Public hands layers out itself, without a redirect.

Lifecycle policies:

- A policy is acted on 24 hours after it came, and then every 24 hours, by the sandbox's clock; AWS says *within* 24
  hours. After the clock was moved on by several days, the runs that were missed are made up for at once.
- An artifact that refers to an image (a signature) goes in the same run as the image; AWS takes up to 24 hours.
- No preview ever gets the status `EXPIRED`.
- Not known is which of two mistakes in a policy ECR names first, and the sentences of four of its refusals.

Around the images:

- Replication copies within a second or so and to the sandbox's two accounts only; a destination in another account is
  `FAILED`. The failure codes (`AccessDenied`, `ImageArchived`, `ServerError`) are ours. There
  may be 25 rules, as the service model says; AWS's user guide says 10.
- What comes through the cache is fetched whole before the pull is answered; AWS may answer the first pull meanwhile.
- Events are delivered to SQS queues (whose policy must allow it), CloudWatch log groups (without asking) and other
  event buses; to nothing else, which the sandbox's log says. `ECR Scan Resource Change` is not sent.
- CloudWatch has `RepositoryPullCount` as one value a minute, for as long as AWS keeps the coarsest values.

Where sources about AWS disagree, the sandbox does this:

- An image that an index lists is neither counted nor taken by a lifecycle rule while the index is there, in a preview
  too. An artifact whose subject is there is not looked at by itself.
- The same image pushed again under an immutable tag is accepted over the protocol, and is
  `ImageAlreadyExistsException` by the API.
- `DELETE` of a manifest works over the protocol. A tag that is the last one of an image which an index lists cannot be
  deleted.
- An expired docker password is answered with 403, one of another Region with 400.

Repositories and registries:

- A KMS key is taken as it is given; it need not exist. Without one, a made-up ARN stands for `aws/ecr`, AWS's own key.
- SetRepositoryPolicy does not look at `force`: it lets its author lock himself out.
- Of principals in a policy, users and roles of the sandbox's own accounts must exist; of others nothing is known.

ECS on Fargate, EKS and Lambda:

- Of ECS there is Fargate on Linux: clusters, task definitions, tasks, services that roll, `awslogs`. What a definition
  or a service asks for beside that (health checks, secrets, volumes, load balancers, a circuit breaker, ECS Exec) is
  refused, never left out. A task runs in the local Docker engine, with the limits of the task; its containers get no
  credentials of a task role, and cannot reach the sandbox.
- There is no VPC: a subnet need only be named like one. The address of a task is that of its container. Its ports are
  opened on the loopback address of this machine too, and `networkBindings`, which are empty on Fargate, say where.
- Fargate's processors are decided by what the image says of itself: a single image for another one ends with
  `exec format error` and code 1, also where the engine would emulate it.
- At most 6 vCPU run at a time, as in a new account. What a service cannot start is tried again after 2, 4, … 60
  seconds (AWS: up to 27 minutes). Setuid programs get no further rights (`no-new-privileges`). Of a log stream the
  newest 10,000 lines are kept. A sandbox that ends takes its tasks with it; services start theirs again.
- Of EKS there are the facts of a pull: the node's policies, the pull secret, and Kubernetes' schema for manifests.
- Lambda makes, shows, changes and deletes functions that are images, and checks what it must be allowed; it runs none.
"""


@dataclass(frozen=True)
class Row:
    """One operation: full, partial or no; what is missing; the files whose tests prove it."""

    operation: str
    here: str
    missing: str
    proofs: tuple[str, ...]

    def line(self) -> str:
        return f"| {self.operation} | {self.here} | {self.missing} | {', '.join(self.proofs)} |\n"


def operations(service: str = "ecr") -> list[str]:
    """The names of the service model's operations."""
    return sorted(botocore.session.Session().get_service_model(service).operation_names)


def marks(folder: Path = TESTS) -> dict[str, set[str]]:
    """Operation → names of the test files with a test that is marked to prove it."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("test_*.py"):
        for operation in _marked(ast.parse(path.read_text())):
            found.setdefault(operation, set()).add(str(path.relative_to(folder)))
    return found


def rows(proofs: Mapping[str, Iterable[str]]) -> list[Row]:
    """The table."""
    return [
        Row(
            name,
            "no" if not answers(name) else "partial" if name in PARTIAL else "full",
            PARTIAL.get(name, ""),
            tuple(sorted(proofs.get(name, ()))),
        )
        for name in operations()
    ]


def contradictions(table: Iterable[Row], proofs: Iterable[str], partial: Iterable[str] = PARTIAL) -> list[str]:
    """Where code, tests and model do not agree."""
    here = {row.operation: row.here for row in table}
    return [
        *(f"no test proves {row.operation}" for row in table if row.here != "no" and not row.proofs),
        *(f"a test proves {name}, which is not here" for name in proofs if here.get(name) == "no"),
        *(f"a test proves {name}, which is no operation" for name in proofs if name not in here),
        *(f"PARTIAL has {name}, which is not here" for name in partial if here.get(name) != "partial"),
    ]


def document(table: Iterable[Row]) -> str:
    """The whole text of docs/fidelity.md."""
    table = list(table)
    kinds = {kind: sum(row.here == kind for row in table) for kind in ("full", "partial", "no")}
    missing = [name for name in operations("ecr-public") if name not in PUBLIC]
    public = {"all": len(operations("ecr-public")), "here": len(PUBLIC), "names": ", ".join(missing)}
    lines = "".join(row.line() for row in table)
    return HEAD.format(all=len(table), **kinds) + lines + PUBLIC_HEAD.format(**public) + UNLIKE


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == MARK:
                yield from (ast.literal_eval(name) for name in decorator.args)


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(rows(marks())))
