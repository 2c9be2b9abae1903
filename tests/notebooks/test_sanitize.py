"""What the sanitizing patterns replace, and what they must keep."""

import pytest

from helpers import names, settings
from tests.notebooks import course
from tests.notebooks.record import OTHER_DOCKER, SANITIZE, of_the_prefix, patterns, sanitized, with_patterns

DIGEST = "sha256:" + "ab" * 32
MOUNTED = "5f70bf18a086: Mounted from docker/library/python\n"
NOTE = "Note: AWS CLI version 2, the latest major version, is now stable, see https://docs.aws.amazon.com/\n\n"
USAGE = """usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
"""
# `aws configure list` of version 1 and 2.
LIST = """      Name                    Value             Type    Location
      ----                    -----             ----    --------
   profile                <not set>             None    None
access_key     ****************MPLE              env   \x20
secret_key     ****************EKEY              env   \x20
    region                us-east-1              env    AWS_DEFAULT_REGION
"""
LIST_2 = """NAME       : VALUE                    : TYPE             : LOCATION
profile    : <not set>                : None             : None
access_key : ****************MPLE     : env              :\x20
secret_key : ****************EKEY     : env              :\x20
region     : us-east-1                : env              : ['AWS_REGION', 'AWS_DEFAULT_REGION']
"""
REQUIRED = "the following arguments are required: --repository-name"
NOT_FOUND = "(RepositoryNotFoundException) when calling the DescribeImages operation: 'demo' does not exist"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"v1: digest: {DIGEST} size: 1367", f"v1: digest: sha256:{'cd' * 32} size: 1367"),
        ("5f70bf18a086: Pushed", "aaaaaaaaaaaa: Pushed"),
        ("http://localhost:5050/v2/", "http://localhost:5151/v2/"),
        ("2026-11-23T17:00:00+00:00", "2027-01-01 00:00:00.123+00:00"),
        ("~/learn-amazon-ecr/.sandbox/docker/config.json", "/srv/x/.sandbox-test/docker/config.json"),
        ("repository exists (made now)", "repository exists (was there)"),
        ("built   WORKDIR /app", "cached  WORKDIR /app"),
        (
            f"failed to calculate checksum of ref {'k' * 25}::{'j' * 25}",
            f"failed to calculate checksum of ref {'x' * 25}::{'1' * 25}",
        ),
        ("base image  about 63.1 MB", "base image  about 9 kB"),
        (f"v1: digest: {DIGEST} size: 1367", f"v1: digest: {DIGEST} size: 947"),
        (f"{MOUNTED}v1: digest", f"{MOUNTED * 4}v1: digest"),
        ("5f70bf18a086: Pushed\n" * 6, "5f70bf18a086: Pushed\n" * 9),
        ("built for linux/amd64", "built for linux/arm64"),
        (
            "113 packages were compared with the advisories of 2026-11-25; of 6 of them nothing is known here.",
            "99 packages were compared with the advisories of 2027-01-02; of 12 of them nothing is known here.",
        ),
        (
            "112 packages were compared with the advisories of 2026-11-25.",
            "99 packages were compared with the advisories of 2027-01-02.",
        ),
        ("zlib1g  no  accepted until 2027-02-28", "zlib1g  no  accepted until 2027-03-01"),
    ],
)
def test_variable_parts_are_replaced(one, other):
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("version_1", "version_2"),
    [
        ("aws-cli/1", "aws-cli/2"),
        ("aws-cli/1.46.3 on", "aws-cli/2.38.5 on"),
        (
            f"\nAn error occurred {NOT_FOUND}\n(exit status 255)",
            f"\naws: [ERROR]: An error occurred {NOT_FOUND}\n(exit status 254)",
        ),
        (
            "\nThe config profile (ann) could not be found",
            "\naws: [ERROR]: The config profile (ann) could not be found",
        ),
        (
            "\nParameter validation failed:\nInvalid length for parameter repositoryName, value: 1",
            "\naws: [ERROR]: An error occurred (ParamValidation): Parameter validation failed:\n"
            "Invalid length for parameter repositoryName, value: 1",
        ),
        (
            'bash: no\nUnable to locate credentials. You can configure credentials by running "aws configure".',
            "bash: no\n\naws: [ERROR]: An error occurred (NoCredentials): "
            'Unable to locate credentials. You can configure credentials by running "aws login".',
        ),
        (
            "You must specify a region.\n(exit status 255)",
            "\naws: [ERROR]: An error occurred (NoRegion): You must specify a region.\n(exit status 253)",
        ),
        (
            "aws: error: argument operation: Invalid choice, valid choices are:",
            "aws: [ERROR]: An error occurred (ParamValidation): argument operation: Found invalid choice 'get-logon'",
        ),
        (
            f"usage: \n{NOTE}{USAGE}aws: error: {REQUIRED}\n(exit status 2)",
            f"\naws: [ERROR]: An error occurred (ParamValidation): {REQUIRED}\n\n{USAGE}(exit status 252)",
        ),
        (
            f"{NOTE}{USAGE}\nUnknown options: --nope\n(exit status 255)",
            f"\n{USAGE}\n\naws: [ERROR]: Unknown options: --nope\n(exit status 252)",
        ),
        (LIST, LIST_2),
    ],
)
def test_both_versions_of_the_aws_cli_pass(version_1, version_2):
    assert sanitized(version_1) == sanitized(version_2)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("aws-cli/2", "aws-cli/3"),
        (f"aws: [ERROR]: An error occurred {NOT_FOUND}", f"aws: [ERROR]: An error occurred {NOT_FOUND[:-1]}"),
        ("aws: [ERROR]: An error occurred (A) when calling", "aws: [ERROR]: An error occurred (B) when calling"),
        ("An error occurred (NoRegion): You", "An error occurred (NoCredentials): You"),
        ('by running "aws login".', 'by running "aws configure".'),
        ('credentials by running "aws login".', 'credentials by running "aws sso login".'),
        (
            "aws: error: argument operation: Invalid choice, valid",
            "aws: error: argument command: Invalid choice, valid",
        ),
        (
            f"aws: [ERROR]: An error occurred (ParamValidation): {REQUIRED}\n\n{USAGE}",
            f"aws: [ERROR]: An error occurred (ParamValidation): {REQUIRED}, --tags\n\n{USAGE}",
        ),
        (f"\n{USAGE}\n\naws: [ERROR]: Unknown options: --nope", f"\n{USAGE}\n\naws: [ERROR]: Unknown options: --no"),
        ("(exit status 255)", "(exit status 0)"),
        ("(exit status 255)", "(exit status 1)"),
        (LIST_2, LIST_2.replace("us-east-1", "eu-west-1")),
        (LIST_2, LIST_2.replace("MPLE     : env", "MPLE     : shared-credentials-file")),
        (LIST, LIST.replace("<not set>", "practice ")),
        (LIST, LIST.replace("secret_key", "session_key")),
    ],
)
def test_what_the_aws_cli_means_is_kept(right, wrong):
    assert sanitized(right) != sanitized(wrong)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("with .dockerignore: 5 files, 5.3 kB", "with .dockerignore: 5 files, 5.4 kB"),
        ("it holds 1367 bytes", "it holds 1368 bytes"),
        ("5f70bf18a086: Pushed\nv1", "v1"),
        (f"{MOUNTED}v1", "v1"),
        (f"v1: digest: {DIGEST}", "v1: digest: sha256:abc"),
        ("5f70bf18a086: Pushed", "5f70bf18a086: Layer already exists"),
        ("5f70bf18a086: Pushed", "5f70bf18a086: Mounted from docker/library/python"),
        ("localhost:5050/demo-app-repo", "localhost:5050/demo-app"),
        ("localhost:5050/demo-app-repo", "123456789012.dkr.ecr.us-east-1.amazonaws.com/demo-app-repo"),
        ("built   COPY . .", "cached  COPY . ."),
        ("✔ 08.2 v2 is in demo-app-repo", "✗ 08.2 v2 is in demo-app-repo"),
        ("registry 123456789012", "registry 210987654321"),
        ("repository exists (made now)", "repository is missing (made now)"),
        ("built   COPY requirements.txt .", "cached  COPY requirements.txt ."),
        ("built   WORKDIR /app", "failed  WORKDIR /app"),
        ("err: fork/exec …/docker-credential-x: exec format error", "err: fork/exec …/docker-credential-x: denied"),
        ("RUN pip install …        3.7 MB", "RUN pip install …        37 MB"),
        ("built for linux/amd64", "built for windows/amd64"),
        ("zlib1g  no  accepted until 2027-02-28", "zlib1g  no  exception expired on 2027-02-28: wait for a fix"),
        (
            "112 packages were compared with the advisories of 2026-11-25.",
            "112 packages were compared with the advisories of 2026-11-25; of 6 of them nothing is known here.",
        ),
    ],
)
def test_meaningful_differences_are_kept(right, wrong):
    assert sanitized(right) != sanitized(wrong)


# ── the classic image store and builder, against containerd and BuildKit ─────────────────────────────────────

USER = "User: arn:aws:iam::123456789012:user/demo-pusher is not authorized to perform:"
ON = "on resource: arn:aws:ecr:us-east-1:123456789012:repository/demo-repo because no identity-based policy allows it"
HEAD = "unexpected status from HEAD request to http://localhost:5050/v2/"
PUSH_TO_DEMO = "The push refers to repository [localhost:5050/demo]\n"
EMPTY_403 = 'error parsing HTTP 403 response body: unexpected end of JSON input: ""'
POST = "unexpected status from POST request to http://localhost:5050/v2/"
PUT = "unexpected status from PUT request to http://localhost:5050/v2/"
MISSING = "does not exist in the registry with id '123456789012'"
IMMUTABLE = "and cannot be overwritten because the tag is immutable."
PULL_DENIED = "Error response from daemon: pull access denied for"
MAY_REQUIRE = "repository does not exist or may require 'docker login'"
INVALID = "denied: Your Authorization Token is invalid."
UNRESOLVED = 'Error response from daemon: failed to resolve reference "localhost:5050/demo:v1":'
NO_LOGIN = "pull access denied, repository does not exist or may require authorization: authorization failed"
BLOCK = f"Dockerfile:2\n{'-' * 20}\n   1 |     FROM x\n   2 | >>> COPY .env /app/\n   3 |     \n{'-' * 20}\n"
UNSOLVED = "ERROR: failed to build: failed to solve:"
CACHE = f"failed to compute cache key: failed to calculate checksum of ref {'k' * 25}::{'j' * 25}"
COPY_FAILED = "COPY failed: file not found in build context or excluded by .dockerignore: stat"


@pytest.mark.parametrize(
    ("classic", "containerd"),
    [
        (f"denied: {USER} ecr:InitiateLayerUpload {ON}", f"unknown: {HEAD}demo-repo/blobs/{DIGEST}: 403 Forbidden"),
        (f"denied: {USER} ecr:PutImage {ON}", f"error from registry: {USER} ecr:PutImage {ON}"),
        (f"denied: {USER} ecr:InitiateLayerUpload {ON}", f"error from registry: {USER} ecr:InitiateLayerUpload {ON}"),
        (
            f"{PULL_DENIED} localhost:5050/demo-repo, {MAY_REQUIRE}: denied: {USER} ecr:BatchGetImage {ON}",
            f'Error response from daemon: unknown: failed to resolve reference "localhost:5050/demo-repo:v1": '
            f"{HEAD}demo-repo/manifests/v1: 403 Forbidden",
        ),
        ("denied: Not Authorized", f"unknown: {HEAD}q1a8w6c8/hello/blobs/{DIGEST}: 401 Unauthorized"),
        (
            "denied: requested access to the resource is denied",
            "push access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed",
        ),
        (
            f"{PULL_DENIED} localhost:5051/learner/diary, {MAY_REQUIRE}: denied: requested access to the resource is "
            "denied",
            f"{PULL_DENIED} localhost:5051/learner/diary, {MAY_REQUIRE}",
        ),
        (
            'Error response from daemon: Head "http://localhost:5050/v2/demo/manifests/v1": no basic auth credentials',
            f'Error response from daemon: failed to resolve reference "localhost:5050/demo:v1": {NO_LOGIN}: '
            "no basic auth credentials",
        ),
        (
            "no basic auth credentials",
            "push access denied, repository does not exist or may require authorization: authorization failed: "
            "no basic auth credentials",
        ),
        (
            "manifest for localhost:5050/demo:v9 not found: manifest unknown: Requested image not found",
            'failed to resolve reference "localhost:5050/demo:v9": localhost:5050/demo:v9: not found',
        ),
        (
            "repository localhost:5050/demo not found: name unknown: The repository with name 'demo' does not exist "
            "in the registry with id '123456789012'",
            'failed to resolve reference "localhost:5050/demo:v9": localhost:5050/demo:v9: not found',
        ),
        (
            f"{PUSH_TO_DEMO}5f70bf18a086: Layer already exists\n{EMPTY_403}",
            f"{PUSH_TO_DEMO}unknown: {HEAD}demo/blobs/{DIGEST}: 403 Forbidden",
        ),
        (
            f"{PULL_DENIED} localhost:5050/demo, {MAY_REQUIRE}: {INVALID}",
            f"{UNRESOLVED} {HEAD}demo/manifests/v1: 400 Bad Request",
        ),
        ("toomanyrequests: Rate exceeded", f"Error response from daemon: unknown: {HEAD}x: 429 Too Many Requests"),
        (
            f"name unknown: The repository with name 'demo-x' {MISSING}",
            f"{POST}demo-x/blobs/uploads/: 404 Not Found",
        ),
        (
            f"tag invalid: The image tag '1.0' already exists in the 'demo-x' repository {IMMUTABLE}",
            f'failed commit on ref "manifest-1.0@{DIGEST}": {PUT}demo-x/manifests/1.0: 400 Bad Request',
        ),
        ("name unknown: The repository is missing", "error from registry: The repository is missing"),
        (f"{MOUNTED}5f70bf18a086: Pushed\n", f"5f70bf18a086: Pushed\n{MOUNTED}5f70bf18a087: Pushed\n"),
        ("Artifact type Image", "Artifact type Image Index"),
        (
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.oci.image.index.v1+json",
        ),
        (
            f"{COPY_FAILED} .env: file does not exist",
            f'{BLOCK}ERROR: failed to solve: {CACHE}: "/.env": not found',  # buildx 0.13
        ),
        (f"{COPY_FAILED} .env: file does not exist", f'{BLOCK}{UNSOLVED} {CACHE}: "/.env": not found'),
        (
            "The command '/bin/sh -c pip instal flask' returned a non-zero code: 1",
            f'{BLOCK}{UNSOLVED} process "/bin/sh -c pip instal flask" did not complete successfully: exit code: 1',
        ),
        ("format: repository name must be lowercase", "format: repository name (Demo-App) must be lowercase"),
        (
            'err: exec: "docker-credential-x": executable file not found in $PATH, out:',
            "err: docker-credential-x resolves to executable in current directory (./docker-credential-x), out:",
        ),
    ],
)
def test_the_classic_engine_says_the_same_in_other_words(classic, containerd):
    assert sanitized(classic, OTHER_DOCKER) == sanitized(containerd, OTHER_DOCKER)
    assert sanitized(classic) != sanitized(containerd), "the run with the recorded kind of Docker compares strictly"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"denied: {USER} ecr:PutImage {ON}", f"error from registry: {USER} ecr:CompleteLayerUpload {ON}"),
        (f"denied: {USER} ecr:InitiateLayerUpload {ON}", f"unknown: {HEAD}demo/blobs/{DIGEST}: 403 Forbidden"),
        (f"denied: {USER} ecr:InitiateLayerUpload {ON}", "v1: digest: sha256:abc"),
        (
            f"{PULL_DENIED} localhost:5050/one, {MAY_REQUIRE}: denied: no",
            f"{PULL_DENIED} localhost:5050/two, {MAY_REQUIRE}: denied: no",
        ),
        ("denied: requested access to the resource is denied", "error from registry: something else"),
        (
            f"{PULL_DENIED} localhost:5050/demo, {MAY_REQUIRE}: {INVALID}",
            f"{UNRESOLVED} {HEAD}demo/manifests/v1: 403 Forbidden",
        ),
        (
            f"{PULL_DENIED} localhost:5050/demo, {MAY_REQUIRE}: {INVALID}",
            f"{UNRESOLVED} {HEAD}other/manifests/v1: 400 Bad Request",
        ),
        (f"{PUSH_TO_DEMO}{EMPTY_403}", f"{PUSH_TO_DEMO}unknown: {HEAD}other/blobs/{DIGEST}: 403 Forbidden"),
        (f"{PUSH_TO_DEMO}{EMPTY_403}", f"{PUSH_TO_DEMO}v1: digest: sha256:abc"),
        (
            "manifest for localhost:5050/demo:v9 not found: manifest unknown: Requested image not found",
            'failed to resolve reference "localhost:5050/other:v9": localhost:5050/other:v9: not found',
        ),
        (
            f"name unknown: The repository with name 'demo-x' {MISSING}",
            f"{POST}demo-y/blobs/uploads/: 404 Not Found",
        ),
        (
            f"tag invalid: The image tag '1.0' already exists in the 'demo-x' repository {IMMUTABLE}",
            f'failed commit on ref "manifest-1.1@{DIGEST}": {PUT}demo-x/manifests/1.1: 400 Bad Request',
        ),
        (f"{COPY_FAILED} .env: file does not exist", f'{BLOCK}{UNSOLVED} {CACHE}: "/app.py": not found'),
        (
            "The command '/bin/sh -c pip instal flask' returned a non-zero code: 1",
            f'{BLOCK}{UNSOLVED} process "/bin/sh -c pip instal flask" did not complete successfully: exit code: 2',
        ),
        ("repository name (Demo-App) must be lowercase", "repository name (Demo-App) must be uppercase"),
        (
            'err: exec: "docker-credential-x": executable file not found in $PATH, out:',
            "err: docker-credential-y resolves to executable in current directory (./docker-credential-y), out:",
        ),
        ("5f70bf18a086: Pushed\nv1: digest", "v1: digest"),
    ],
)
def test_the_classic_engine_must_report_the_same_facts(right, wrong):
    assert sanitized(right, OTHER_DOCKER) != sanitized(wrong, OTHER_DOCKER)


@pytest.mark.parametrize("file", [SANITIZE, OTHER_DOCKER], ids=lambda file: file.name)
def test_each_pattern_has_a_name_and_a_replacement(file):
    text = file.read_text()
    assert len(patterns(file)) == text.count("\n[") + text.startswith("[")
    assert all(word.strip() for _, word in patterns(file))


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_names_with_a_prefix_are_compared_as_those_of_the_notebooks(path, monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", "tom-")
    for recorded in (text for cell in course.code(course.read(path)) for text in course.texts(cell)):
        assert with_patterns(names.renamed(recorded), of_the_prefix("tom-")) == recorded


@pytest.mark.parametrize("text", ["demo-app-repo", "my-tom-app", "tom"])
def test_a_name_without_the_prefix_stays(text):
    assert with_patterns(text, of_the_prefix("tom-")) == text
