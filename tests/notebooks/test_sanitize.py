"""What the sanitizing patterns replace, and what they must keep."""

import pytest

from tests.notebooks.record import patterns, sanitized

DIGEST = "sha256:" + "ab" * 32
MOUNTED = "5f70bf18a086: Mounted from docker/library/python\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"v1: digest: {DIGEST} size: 1367", f"v1: digest: sha256:{'cd' * 32} size: 1367"),
        ("5f70bf18a086: Pushed", "aaaaaaaaaaaa: Pushed"),
        ("http://localhost:5050/v2/", "http://localhost:5151/v2/"),
        ("2026-11-23T17:00:00+00:00", "2027-01-01 00:00:00.123+00:00"),
        ("~/learn-amazon-ecr/.sandbox/docker/config.json", "/srv/x/.sandbox-test/docker/config.json"),
        ("repository exists (made now)", "repository exists (was there)"),
        ("format: repository name (Demo-App) must be lowercase", "format: repository name must be lowercase"),
        ("built   WORKDIR /app", "cached  WORKDIR /app"),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat .env: file does not exist",
            'failed to compute cache key: "/.env" not found: not found',
        ),
        (
            "The command '/bin/sh -c pip instal flask' returned a non-zero code: 1",
            "executor failed running [/bin/sh -c pip instal flask]: exit code: 1",
        ),
        ("base image  about 63.1 MB", "base image  about 9 kB"),
        (f"v1: digest: {DIGEST} size: 1367", f"v1: digest: {DIGEST} size: 947"),
        (f"{MOUNTED}v1: digest", f"{MOUNTED * 4}v1: digest"),
        ("built for linux/amd64", "built for linux/arm64"),
        (
            "113 packages were compared with the advisories of 2026-11-25; of 6 of them nothing is known here.",
            "99 packages were compared with the advisories of 2027-01-02; of 12 of them nothing is known here.",
        ),
        (
            'err: exec: "docker-credential-x": executable file not found in $PATH, out:',
            "err: docker-credential-x resolves to executable in current directory (./docker-credential-x), out:",
        ),
    ],
)
def test_variable_parts_are_replaced(one, other):
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("with .dockerignore: 5 files, 5.3 kB", "with .dockerignore: 5 files, 5.4 kB"),
        ("it holds 1367 bytes", "it holds 1368 bytes"),
        ("5f70bf18a086: Pushed\n" * 4, "5f70bf18a086: Pushed\n" * 3),
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
        ("repository name (Demo-App) must be lowercase", "repository name (Demo-App) must be uppercase"),
        ("built   COPY requirements.txt .", "cached  COPY requirements.txt ."),
        ("built   WORKDIR /app", "failed  WORKDIR /app"),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat .env: file does not exist",
            'failed to compute cache key: "/app.py" not found: not found',
        ),
        (
            "The command '/bin/sh -c pip instal flask' returned a non-zero code: 1",
            "executor failed running [/bin/sh -c pip instal flask]: exit code: 2",
        ),
        (
            'err: exec: "docker-credential-x": executable file not found in $PATH, out:',
            "err: docker-credential-y resolves to executable in current directory (./docker-credential-y), out:",
        ),
        ("err: fork/exec …/docker-credential-x: exec format error", "err: fork/exec …/docker-credential-x: denied"),
        ("RUN pip install …        3.7 MB", "RUN pip install …        37 MB"),
        ("built for linux/amd64", "built for windows/amd64"),
    ],
)
def test_meaningful_differences_are_kept(right, wrong):
    assert sanitized(right) != sanitized(wrong)


def test_each_pattern_has_a_replacement():
    assert patterns()
    assert all(word.strip() for _, word in patterns())
