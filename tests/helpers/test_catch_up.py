"""Catching up, the checks that need Docker, and clean-up, with the real docker, boto3 and sandbox."""

import random
import subprocess
from types import SimpleNamespace

import pytest

import helpers
from ecr_sandbox import SandboxError, background, docker_engine
from helpers import catch_up, cleanup, settings
from helpers.exercises import checks, lookup
from helpers.exercises.broken import kinds

LABEL = 'LABEL org.opencontainers.image.title="demo-app"\n'  # as sample_app sets it
NAME = "helpers-test-app"  # another name than the tutorial's: a developer's own images are not changed


@pytest.fixture
def lab(monkeypatch, tmp_path, capsys):
    """A connected lab whose sample app is one file, and whose images are removed at the end."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.txt").write_text("one")
    (app / "base.txt").write_text("base")
    (app / "Dockerfile").write_text("FROM scratch\nCOPY base.txt /\nCOPY app.txt /\nUSER 1000\n" + LABEL)
    monkeypatch.setattr(settings, "PREFIX", "helpers-test-")
    monkeypatch.setattr(settings, "REPOSITORY", NAME)
    monkeypatch.setattr(catch_up, "SAMPLE_APP", app)
    lab = helpers.connect()
    capsys.readouterr()
    yield lab
    with_engine = lab.engine()
    for name in cleanup.local_images(lab):
        if "@" not in name:
            with_engine.images.remove(name, force=True)


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def docker(*arguments):
    subprocess.run(["docker", *arguments], check=True, capture_output=True)


def test_catch_up_checks_and_clean_up_work_together(lab, capsys):
    lab.catch_up("09")
    assert [line.rpartition(" (")[2] for line in printed(capsys)] == ["made now)"] * 5
    lab.catch_up("09")
    again = printed(capsys)
    assert [line.rpartition(" (")[2] for line in again] == ["was there)"] * 5
    assert again[0].startswith("✔ 04 repository ")
    assert lab.made() == [
        {"repository": NAME, "arn": f"arn:aws:ecr:us-east-1:123456789012:repository/{NAME}", "images": 1}
    ]

    checks.check("05.1", lab.client().get_authorization_token()["authorizationData"][0]["expiresAt"])
    docker("tag", NAME, f"{lab.repository_uri}:v2")
    checks.check("14.2")
    assert printed(capsys) == [
        f"✔ 05.1 Docker is logged in to {lab.registry} for 12 hours",
        f"✗ 14.2 repository {NAME} is still there. Hint: delete-repository --force, docker rmi, or lab.clean_up().",
    ]

    gone = lab.clean_up()
    tags = [NAME + ":latest", *(f"{lab.repository_uri}:{tag}" for tag in ("latest", "v1", "v2"))]
    assert gone == {
        "repositories": [NAME],
        "public": [],
        "iam": [],
        "workloads": [],
        "images": sorted(tags),
        "problems": [],
    }
    assert printed(capsys)[1] == f"✔ repositories deleted: {NAME}"
    checks.check("14.2")
    assert printed(capsys) == ["✔ 14.2 nothing that this tutorial made is left"]
    assert lab.clean_up() == {
        "repositories": [],
        "public": [],
        "iam": [],
        "workloads": [],
        "images": [],
        "problems": [],
    }
    assert printed(capsys) == [
        "✔ clusters, functions and logs deleted: none was left",
        "✔ repositories deleted: none was left",
        "✔ public repositories deleted: none was left",
        "✔ users, roles and policies deleted: none was left",
        "✔ images deleted from this machine: none was left",
        f"✔ Docker is logged out of {lab.registry}",
    ]


def test_catch_up_completes_what_is_missing(lab, capsys):
    lab.catch_up("08")
    docker("push", f"{lab.repository_uri}:v1")
    pushed = lookup.image(lab, NAME, "v1")["imagePushedAt"]
    lab.catch_up("09")
    assert lookup.image(lab, NAME, "v1")["imagePushedAt"] == pushed
    assert lookup.image(lab, NAME, "latest")


def test_a_failed_build_is_one_sentence(lab):
    (catch_up.SAMPLE_APP / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    with pytest.raises(SandboxError, match=r"^docker build failed: .*nothing.*\. Fix: ecr-lab doctor$"):
        lab.catch_up("07")


def test_an_invalid_password_is_replaced(lab, capsys):
    lab.catch_up("06")
    assert catch_up.is_logged_in(lab)
    background.stop(settings.sandbox())
    (settings.state() / "secret").write_text("another secret than the one that signed the password")
    background.start(settings.sandbox())
    assert not catch_up.is_logged_in(lab)
    capsys.readouterr()
    lab.catch_up("06")
    assert printed(capsys)[1] == "✔ 05 Docker is logged in to the registry (made now)"


def test_the_base_images_layers_are_mounted_from_the_mirror(lab, monkeypatch, pull_mirror):
    base_image = f"{NAME}-base:1"
    monkeypatch.setattr(docker_engine.settings, "MIRROR_REPOSITORY", f"{NAME}-mirror")
    monkeypatch.setattr(docker_engine.settings, "BASE_IMAGE", base_image)
    no_layout = settings.base_image_layout()
    mirror = f"{lab.registry}/{NAME}-mirror:{settings.MIRROR_TAG}"
    with_engine = lab.engine()
    assert not pull_mirror(with_engine, lab.registry, lab.password, no_layout)  # the mirror is empty
    lab.client().create_repository(repositoryName=f"{NAME}-mirror")
    docker("login", "-u", "AWS", "-p", lab.password(), lab.registry)
    docker("build", "-t", mirror, str(catch_up.SAMPLE_APP))
    docker("push", mirror)
    docker("rmi", mirror)
    try:
        assert pull_mirror(with_engine, lab.registry, lab.password, no_layout)
        assert pull_mirror(with_engine, lab.registry, lab.password, no_layout)  # it may be called again
        assert not with_engine.images.list(mirror)
        (catch_up.SAMPLE_APP / "Dockerfile").write_text(f"FROM {base_image}\nCOPY app.txt /mine.txt\n")
        lab.catch_up("08")
        pushed = subprocess.run(
            ["docker", "push", f"{lab.repository_uri}:v1"], check=True, capture_output=True, text=True
        )
        assert pushed.stdout.count(f"Mounted from {NAME}-mirror") == 2
    finally:
        docker("rmi", "--force", mirror, base_image)


@pytest.mark.parametrize("kind", kinds.names("05.2"))
def test_a_learner_who_did_not_repair_the_login_continues_with_the_next_notebook(lab, kind, capsys):
    """Exercise 05.2 breaks it. Neither connect() nor catch_up() stops at what is left of it."""
    lab.catch_up("05")
    kinds.code("05.2", kind).break_state(lab, random.Random(0))
    printed(capsys)
    helpers.connect().catch_up("06")
    shown = printed(capsys)
    assert [line for line in shown if not line.startswith("✔")] == []
    assert "✔ 05 Docker is logged in to the registry (made now)" in shown
    assert catch_up.is_logged_in(lab)


# No engine needed ---


def test_a_missing_credential_helper_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"credHelpers": {"localhost:5000": "is-not-installed"}}')
    with pytest.raises(SandboxError, match=r"^Docker cannot read its credentials for localhost:5000\. Fix: remove "):
        catch_up.is_logged_in(SimpleNamespace(registry="localhost:5000"))


@pytest.mark.parametrize("notebook", ["00", "01", "04", "15"])
def test_notebooks_without_prerequisites_have_nothing_to_catch_up(plain, notebook, capsys):
    catch_up.catch_up(plain, notebook)
    assert printed(capsys) == ["✔ nothing to catch up"]


@pytest.mark.parametrize("notebook", ["8", "99", "", "08_push_the_image", 8, None])
def test_an_unknown_notebook_is_refused(notebook):
    with pytest.raises(SandboxError, match=r"^There is no notebook .*\. Fix: name one from 00 to 15, like '08'$"):
        catch_up.catch_up(None, notebook)


def test_the_service_linked_role_of_ecs_is_there_before_a_cell_uses_ecs(on_aws):
    """In a new account, the first use of ECS fails once while AWS makes the role."""
    iam = on_aws.client("iam")
    for _ in range(2):  # there is one already the second time
        catch_up._make_role_of_ecs(on_aws)
        assert iam.get_role(RoleName="AWSServiceRoleForECS")["Role"]["Path"] == "/aws-service-role/ecs.amazonaws.com/"


def test_a_learner_who_may_not_make_the_role_can_go_on_and_knows_it(on_aws, deny, capsys):
    deny("iam:CreateServiceLinkedRole")
    catch_up._make_role_of_ecs(on_aws)
    assert printed(capsys) == [
        "? iam:CreateServiceLinkedRole is not allowed: without it ECS does not start in a new account"
    ]


def test_a_refused_head_request_names_the_two_actions(monkeypatch):
    """The words are Docker's, when a learner has no permission for its HEAD requests."""
    said = "unknown: unexpected status from HEAD request to https://host/v2/demo-app-repo/blobs/x: 403 Forbidden"
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(catch_up.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SandboxError) as refused:
        catch_up.docker("push", "host/demo-app-repo:v1")
    assert refused.value.wrong == f"docker push failed: {said}."
    assert refused.value.fix.startswith("log in again, or allow ecr:BatchGetImage and ecr:BatchCheckLayerAvailability")
