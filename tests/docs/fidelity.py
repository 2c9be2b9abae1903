"""Writes docs/fidelity.md: which parts of ECR's API the sandbox implements, according to model, code and tests.

``python -m tests.docs.fidelity`` writes it; ``test_fidelity.py`` fails when it is out of date. A test states
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

Of the {all} operations of ECR's API the sandbox implements {full} in full and {partial} in part. The other {no} return
`UnsupportedOperationException: … is not part of this sandbox. It works on AWS.` and change nothing. *Full* means:
every parameter works as in the API reference, and invalid requests fail with AWS's error code.

| operation | here | what is missing | proved by (tests/sandbox) |
|---|---|---|---|
"""

PUBLIC_HEAD = """
## ECR Public

Of the {all} operations of ECR Public's API the sandbox implements {here}. {names} return
`UnsupportedOperationException`.
"""

UNLIKE = """
## Differences from AWS

Everywhere:

- Error messages without a public source are our own; their codes come from the service model. Each message is in
  `sandbox/ecr_sandbox/services/ecr/errors.py` with its source, or with a comment that it is ours.
- The parameters of every service are checked as its model says. The codes are AWS's; sentences about numbers in the
  query protocols, and the reason in EC2's `InvalidParameterValue`, are ours (`aws/constraint_errors.py`). An error in
  moto's own code is `UnsupportedOperationException … with these parameters`, and changes nothing.
- Every other service of AWS returns `UnsupportedOperationException`, in its own protocol.
- A queue's URL, a Region's endpoint and `registryUri` are addresses of the sandbox. The instances that EC2's API
  creates do not exist; their public addresses are reserved for documentation. There are no machine images.
- There are no quotas for the rate of calls and for repositories.
- Nothing is encrypted or signed. The settings are stored and returned.
- `BLOB_MOUNTING` is enabled by default; on AWS you enable it.

Images and layers:

- The last recorded pull time changes with the first pull after 24 hours; on AWS it may change more often.
  BatchGetImage and the registry's GET of a manifest are pulls; HEAD and DescribeImages are not.
- BatchGetImage of an archived image returns the failure `ImageInaccessible`; docker gets the error, as on AWS, that
  the image does not exist. Restoring takes 10 minutes of the sandbox's clock (AWS: up to 20). Pushing the image again
  restores it immediately. Archiving an image archives its referrers. The minimum of 90 days is not charged.
- A manifest that was converted for a client (OCI to Docker's schema 2 or back) has the same content as on AWS, but
  other bytes, and therefore another digest. Docker's schema 1, which AWS's user guide still lists, can
  be neither pushed nor pulled; Docker stopped pushing it with version 20.10.
- A `nextToken` is valid until the sandbox stops.
- BatchDeleteImage processes the ids in order, so one call can delete an index and then its images. AWS does not
  document its order.
- GetDownloadUrlForLayer returns a presigned URL of the sandbox, in the format of S3, which expires after an hour. It
  has the host name of the request, because current clients refuse a redirect from `localhost` to `127.0.0.1`. A client
  may send the registry's password with it, which is ignored; S3 refuses a request with two authentications.

Scans:

- Findings are real, but come from a small, dated snapshot of advisories (`ecr-sandbox advisories` shows its content,
  `ecr-sandbox advisories refresh` downloads current ones from OSV). AWS has many more, above all without a fix; the
  snapshot has a few of those. The `description` of each scan states, after AWS's own sentence, how many packages were
  compared, and for how many there are no advisories here.
- Packages of dpkg, apk, pip and npm are detected; those of RPM, Java, Go and others are not. Layers compressed with
  zstd are not scanned. Systems other than Debian, Ubuntu and Alpine get AWS's result for unsupported systems.
- The descriptions of vulnerabilities are ours, or OSV's after a refresh. The severity comes from the database, else
  from the CVSS 3 score, else it is `UNDEFINED`. There is no EPSS and no exploitability; Inspector's score is the base
  score.
- A basic scan of an unsupported image has the status `FAILED` with `UnsupportedImageError`, as in many public logs; an
  enhanced scan has `UNSUPPORTED_IMAGE`. An enhanced scan on push ends as `COMPLETE`; before an enhanced scan has a
  result, the call fails with `ScanNotFoundException`, as pipelines report. The daily quota of basic scans is not
  enforced.
- An image that needs more memory or time than a scan may use gets the result of an unsupported image. The sandbox
  never returns `IMAGE_SIZE_EXCEEDED`. The limits are ours; `threats.md` lists them.
- When enhanced scanning is enabled, images of the last 14 days are scanned. Continuous scanning scans again when the
  advisories change, and ends 14 days after the push, which is Inspector's default for new accounts. On AWS it also
  counts from the last use of the image.
- Inspector's own API (`inspector2`) is not included: its findings are available from ECR.

The registry protocol (`/v2/`):

- The OCI conformance suite 1.1.1 was run by hand in November 2026. It passes except for six tests, where the sandbox
  does what ECR does. A part of a layer returns 201, and every part except the last has at least 5 MiB. `last` is a
  token from a `Link`, not the name of a tag. `test_oci_conformance.py` has the cases.
- Known behavior of ECR is implemented, with the source next to the code. A part returns 201, and its `Range` stays at
  the first part. Layers are redirected. An invalid manifest is a 405, also one without layers or with fields that ECR
  does not know. Three such fields are known: `annotations` of the config, `platform` of the subject and `features` of
  a platform. Of other fields, the sandbox accepts those of the OCI specification and refuses the rest. It also refuses
  an object in which a name occurs twice, which is our choice.
- Unknown behavior is our choice. A part that is too small is `BLOB_UPLOAD_INVALID`. Missing layers are a 404, and a
  manifest under another digest is a 400. The status of an upload has its true length. `DELETE` of a layer is
  `UNSUPPORTED`. Digests are sha256 only. A client that accepts no supported manifest format gets the stored manifest.
  A list of referrers has up to 1,000 entries. An index of layers (BuildKit's cache without `image-manifest=true`) is
  refused with 400, as on ECR, with the code `MANIFEST_INVALID`.
- A layer that no image uses yet can be pulled over the protocol; GetDownloadUrlForLayer refuses it.
- ECR Public serves layers itself, without a redirect. It answers 404 to `_catalog`; AWS's answer is not known.
- A GET of a manifest has no header `Docker-Content-Digest` and HEAD has it, as on ECR and ECR Public. The code of the
  400 for an impossible tag or digest is ours, as is the sentence of the failure `InvalidImageTag`.
- `n` that is not a number is refused with 400; AWS's answer is not known.
- A manifest whose stored bytes have changed is a 500 of the registry, and an error of the API; pushing the image again
  repairs it. A layer is sent as it is stored: the client checks its digest.

Lifecycle policies:

- A policy is applied 24 hours after it was set, and then every 24 hours, by the sandbox's clock; AWS documents
  *within* 24 hours. When the clock is advanced by several days, the missed runs happen immediately.
- An artifact that refers to an image (a signature) expires in the same run as the image; AWS takes up to 24 hours.
- A preview never has the status `EXPIRED`.
- It is unknown which of two errors in a policy ECR reports first, and four of its error messages are unknown.

Replication, pull through cache and events:

- Replication copies within a second or so and to the sandbox's two accounts only; a destination in another account is
  `FAILED`. The failure codes (`AccessDenied`, `ImageArchived`, `ServerError`) are ours. The limits are 25 rules, as in
  the service model (AWS's user guide has 10), and 25 destinations in all rules.
- A pull through cache rule must have the credentials that its upstream registry needs, and no others. The error code
  of contradictory parameters, `ValidationException`, is ours.
- An image from an upstream registry is completely cached before the first pull gets a response; AWS may respond
  earlier.
- Events are delivered to SQS queues (whose policy must allow it), CloudWatch log groups (without a policy) and other
  event buses. The sandbox's log reports other targets. `ECR Scan Resource Change` is not sent.
- CloudWatch has `RepositoryPullCount` as one value per minute, kept for as long as AWS keeps hourly values.

Where sources about AWS disagree, the sandbox does this:

- While an index exists, lifecycle rules and previews neither count nor expire the images that it lists. An artifact
  whose subject exists is not evaluated separately.
- Pushing the same image again under an immutable tag is accepted over the protocol, and fails with
  `ImageAlreadyExistsException` in the API.
- `DELETE` of a manifest works over the protocol. The last tag of an image that an index lists cannot be deleted.
- An expired docker password returns 403, a password of another Region 400.

Repositories and registries:

- A KMS key does not have to exist; only its Region is checked. Without one, an invented ARN represents `aws/ecr`, the
  AWS managed key.
- Principals in a policy must exist if they are users or roles of the sandbox's own accounts; those of other accounts
  are not known, and are accepted. The name of an AWS service must have the form of one; it does not have to exist.
- A policy that names users or roles is returned with the same content, but its numbers and escapes can be written
  differently. AWS changes the layout of the text, too.
- Which actions a repository policy can have is documented for `ecr:GetAuthorizationToken` only, which is refused. The
  sandbox refuses every action that is not about a repository, and a registry policy whose Resource is not a complete
  ARN.

IAM:

- Policies of queues, secrets, log groups and event buses are checked when they are stored. Only EventBridge's delivery
  to a queue evaluates one.
- A session policy is limited by its characters only; there is no packed size.
- `iam/errors.py` says which sentences about malformed policies were recorded on AWS. An identity-based policy with the
  action `s3:` and a session policy with an incomplete ARN are refused with sentences that are our assumption.
- A stored policy that cannot be read, for example from an older state, denies everything.
- SimulatePrincipalPolicy and SimulateCustomPolicy decide as the sandbox does when the real call comes. Only the
  condition keys of the principal and of `ContextEntries` have a value. `EvalResourceName` is always `*`; AWS returns
  the template of the action's ARNs. Policies of organizations, `PolicyExclusionList` and `ResourceHandlingOption` are
  refused. Five sentences about wrong parameters are ours (`iam/errors.py`).

Signatures and permissions:

- One address serves every service and Region, so a wrong Region is noticed only if it does not exist. Another service
  in the signature gets AWS's error. Presigned requests to an API are not supported. Every `x-amz-*` header must be
  signed, as AWS's guide says; AWS may be less strict.
- A registry password that an access key requested is refused as soon as the key is deactivated or deleted. AWS does
  not document whether it still works there.
- An administrator who can no longer change their own permissions gets them back when the sandbox starts, and loses
  what limits them. On AWS the account's root user does that. There is no root key.
- There are no organizations, and no condition keys of networks, federation and MFA; AssumeRole with an MFA device is
  refused. Secrets Manager, SQS, EC2 and
  CloudWatch check the action and the tags of a call, but the resource is `*`. `iam:AssociatedResourceArn` is set
  where the resource is known; AWS does not document it for each service. `kms:` permissions are not needed.
- A condition on a key that can have several values is never met without a set operator, and `ForAnyValue:` ignores
  `IfExists`. AWS's guide does not say so; others found it on AWS.

ECS on Fargate, EKS and Lambda:

- ECS supports Fargate on Linux: clusters, task definitions, tasks, services with rolling updates, `awslogs`. Other
  settings (health checks, secrets, volumes, load balancers, a circuit breaker, ECS Exec) are refused, never ignored.
  A task runs in the local Docker engine, with the limits of the task; its containers get no credentials of a task
  role, and cannot reach the sandbox.
- The rules for a container's name, image, sizes, ports and overrides are AWS's; where no sentence is public, the
  sentence of a similar parameter is used (`services/ecs/errors.py`).
- There is no VPC: a subnet only needs a valid name. The address of a task is that of its container. Its ports are
  also open on the loopback address of this machine; `networkBindings`, which are empty on Fargate, list them.
- The image's configuration decides on which processor it can run: an image for another processor ends with
  `exec format error` and code 1, even if the engine could emulate it.
- At most 6 vCPU run at a time, as in a new account. A service retries a failed start after 2, 4, … 60 seconds (AWS:
  up to 27 minutes). Setuid programs get no further privileges (`no-new-privileges`). A log stream keeps its newest
  10,000 lines. Tasks stop with the sandbox; services start new ones when it restarts.
- EKS is represented by what a pull needs: the node's policies, the pull secret, and Kubernetes' schema for manifests.
- Lambda creates, returns, changes and deletes functions with images, and checks permissions; it does not run them.
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
    """Operation → names of the test files with a test marked for it."""
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
    """Contradictions between code, tests and model."""
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
