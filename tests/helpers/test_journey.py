"""Catching up, checks and clean-up, with the real docker, boto3 and sandbox."""

import subprocess

import pytest
from ecr_sandbox import background, docker_engine
from ecr_sandbox.errors import LabError

import helpers
from helpers import checks, cleanup, settings, steps

NAME = "helpers-test-app"  # another name than the tutorial's: a developer's own images are left alone


@pytest.fixture
def lab(monkeypatch, tmp_path, capsys):
    """A connected lab whose sample app is one file, and whose images are removed at the end."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.txt").write_text("one")
    (app / "base.txt").write_text("base")
    (app / "Dockerfile").write_text("FROM scratch\nCOPY base.txt /\nCOPY app.txt /\nUSER 1000\n")
    monkeypatch.setattr(settings, "REPOSITORY", NAME)
    monkeypatch.setattr(steps, "SAMPLE_APP", app)
    lab = helpers.connect()
    capsys.readouterr()
    yield lab
    with_engine = docker_engine.client()
    for name in cleanup.local_images(lab):
        if "@" not in name:
            with_engine.images.remove(name, force=True)


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def docker(*words):
    subprocess.run(["docker", *words], check=True, capture_output=True)


def test_it_catches_up_checks_and_cleans_up(lab, capsys):
    lab.catch_up("09")
    assert [line.rpartition(" (")[2] for line in printed(capsys)] == ["made now)"] * 5
    lab.catch_up("09")
    again = printed(capsys)
    assert [line.rpartition(" (")[2] for line in again] == ["was there)"] * 5
    assert again[0].startswith("✔ 04 repository ")
    assert lab.made() == [
        {"repository": NAME, "arn": f"arn:aws:ecr:us-east-1:123456789012:repository/{NAME}", "images": 1}
    ]

    checks.check("05.1")
    checks.check("07.1")
    checks.check("08.1")
    checks.check("09.1")
    assert printed(capsys) == [
        f"✔ 05.1 Docker is logged in to {lab.registry}",
        f"✔ 07.1 {NAME}:v1 and :latest are two names of one image",
        f"✔ 08.1 v1 and latest are one image in {NAME}",
        f"✗ 09.1 stable is not in {NAME} yet. Hint: put_image takes the manifest of v1, and imageTag says the new tag.",
    ]

    checks.check("08.2")
    docker("tag", NAME, f"{lab.repository_uri}:v2")
    docker("push", f"{lab.repository_uri}:v2")
    checks.check("08.2")
    (steps.SAMPLE_APP / "app.txt").write_text("two")
    docker("build", "-t", f"{lab.repository_uri}:v2", str(steps.SAMPLE_APP))
    docker("push", f"{lab.repository_uri}:v2")
    checks.check("08.2")
    checks.check("14.2")
    assert printed(capsys) == [
        f"✗ 08.2 v2 is not in {NAME} yet. Hint: build and tag come before push (notebooks 06 and 07).",
        "✗ 08.2 v2 is the same image as v1. Hint: change the app and build again before you tag and push.",
        f"✔ 08.2 v2 is in {NAME} and shares 1 of its 2 layers with v1",
        f"✗ 14.2 repository {NAME} is still there. Hint: delete-repository --force, docker rmi, or lab.clean_up().",
    ]

    gone = lab.clean_up()
    tags = [NAME + ":latest", *(f"{lab.repository_uri}:{tag}" for tag in ("latest", "v1", "v2"))]
    assert gone == {"repositories": [NAME], "public": [], "people": [], "workloads": [], "images": sorted(tags)}
    assert printed(capsys)[1] == f"✔ repositories deleted: {NAME}"
    checks.check("14.2")
    assert printed(capsys) == ["✔ 14.2 nothing that this tutorial made is left"]
    assert lab.clean_up() == {"repositories": [], "public": [], "people": [], "workloads": [], "images": []}
    assert printed(capsys) == [
        "✔ clusters, functions and logs deleted: none was left",
        "✔ repositories deleted: none was left",
        "✔ public repositories deleted: none was left",
        "✔ users, roles and policies deleted: none was left",
        "✔ images deleted from this machine: none was left",
        f"✔ Docker is logged out of {lab.registry}",
    ]


def test_what_is_half_done_is_only_completed(lab, capsys):
    lab.catch_up("08")
    docker("push", f"{lab.repository_uri}:v1")
    pushed = checks.image(lab, NAME, "v1")["imagePushedAt"]
    lab.catch_up("09")
    assert checks.image(lab, NAME, "v1")["imagePushedAt"] == pushed
    assert checks.image(lab, NAME, "latest")


def test_a_build_that_fails_is_one_sentence(lab):
    (steps.SAMPLE_APP / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    with pytest.raises(LabError, match=r"^docker build failed: .*nothing.*\. Mend: ecr-lab doctor$"):
        lab.catch_up("07")


def test_a_password_that_is_no_longer_good_is_replaced(lab, capsys):
    lab.catch_up("06")
    assert steps.is_logged_in(lab)
    background.stop(settings.sandbox())
    (settings.state() / "secret").write_text("another secret than the one that signed the password")
    background.start(settings.sandbox())
    assert not steps.is_logged_in(lab)
    capsys.readouterr()
    lab.catch_up("06")
    assert printed(capsys)[1] == "✔ 05 Docker is logged in to the registry (made now)"


def test_the_base_images_layers_are_mounted_from_the_mirror(lab, monkeypatch, learn_mirror):
    base_image = f"{NAME}-base:1"
    monkeypatch.setattr(docker_engine.settings, "MIRROR_REPOSITORY", f"{NAME}-mirror")
    monkeypatch.setattr(docker_engine.settings, "BASE_IMAGE", base_image)
    no_layout = settings.base_image_layout()
    mirror = f"{lab.registry}/{NAME}-mirror:{settings.MIRROR_TAG}"
    with_engine = lab.engine()
    assert not learn_mirror(with_engine, lab.registry, lab.password, no_layout)  # nothing is there yet
    lab.client().create_repository(repositoryName=f"{NAME}-mirror")
    docker("login", "-u", "AWS", "-p", lab.password(), lab.registry)
    docker("build", "-t", mirror, str(steps.SAMPLE_APP))
    docker("push", mirror)
    docker("rmi", mirror)
    try:
        assert learn_mirror(with_engine, lab.registry, lab.password, no_layout)
        assert learn_mirror(with_engine, lab.registry, lab.password, no_layout)  # to be reminded does no harm
        assert not with_engine.images.list(mirror)
        (steps.SAMPLE_APP / "Dockerfile").write_text(f"FROM {base_image}\nCOPY app.txt /mine.txt\n")
        lab.catch_up("08")
        pushed = subprocess.run(
            ["docker", "push", f"{lab.repository_uri}:v1"], check=True, capture_output=True, text=True
        )
        assert pushed.stdout.count(f"Mounted from {NAME}-mirror") == 2
    finally:
        docker("rmi", "--force", mirror, base_image)


# No engine needed ---


@pytest.mark.parametrize("notebook", ["00", "01", "04", "15"])
def test_nothing_to_catch_up(notebook, capsys):
    steps.catch_up(None, notebook)
    assert printed(capsys) == ["✔ nothing to catch up: this notebook needs nothing from those before it"]


@pytest.mark.parametrize("notebook", ["8", "99", "", "08_push_the_image", 8, None])
def test_a_notebook_that_does_not_exist(notebook):
    with pytest.raises(LabError, match=r"^There is no notebook .*\. Mend: name one from 00 to 15, like '08'$"):
        steps.catch_up(None, notebook)


def test_a_fresh_start_removes_what_the_tutorial_made_and_nothing_else(plain, capsys):
    ecr = plain.client()
    ecr.create_repository(repositoryName="ours", tags=[settings.TAG])
    ecr.create_repository(repositoryName="theirs", tags=[{"Key": "made-by", "Value": "me"}])
    plain.start_over("ours", "never-there")
    plain.start_over("ours", "never-there")
    assert printed(capsys) == ["✔ a fresh start: ours, never-there not there"] * 2
    with pytest.raises(LabError, match="theirs has no tag made-by=learn-amazon-ecr"):
        plain.start_over("theirs")
    left = {found["repositoryName"] for found in ecr.describe_repositories()["repositories"]}
    assert left - {settings.MIRROR_REPOSITORY} == {"theirs"}


def test_the_mirror_is_never_touched(plain):
    mirror = "docker/library/mirrored"
    plain.client().create_repository(repositoryName=mirror, tags=[settings.TAG])
    assert plain.made() == []
    with pytest.raises(LabError):
        plain.start_over(mirror)
    assert plain.clean_up()["repositories"] == []
    assert plain.client().describe_repositories(repositoryNames=[mirror])


def test_without_an_engine_the_repositories_are_cleaned_up_all_the_same(plain, capsys):
    plain.client().create_repository(repositoryName="ours", tags=[settings.TAG])
    assert plain.clean_up() == {"repositories": ["ours"], "public": [], "people": [], "workloads": [], "images": []}
    assert printed(capsys)[1:5] == [
        "✔ repositories deleted: ours",
        "✔ public repositories deleted: none was left",
        "✔ users, roles and policies deleted: none was left",
        "✗ images on this machine: The Docker engine is not running. Mend: start it",
    ]


def test_the_first_repository(plain, capsys):
    ecr = plain.client()
    checks.check("04.1")
    ecr.create_repository(repositoryName="my-first-repo", tags=[settings.TAG])
    checks.check("04.1")
    checks.check("04.2")
    ecr.put_image_tag_mutability(repositoryName="my-first-repo", imageTagMutability="IMMUTABLE")
    ecr.put_image_scanning_configuration(
        repositoryName="my-first-repo", imageScanningConfiguration={"scanOnPush": True}
    )
    checks.check("04.1")
    checks.check("04.2")
    assert printed(capsys) == [
        "✗ 04.1 there is no repository my-first-repo yet. Hint: create-repository makes it (notebook 04).",
        "✗ 04.1 the tags of my-first-repo are MUTABLE. "
        "Hint: --image-tag-mutability, or put-image-tag-mutability later.",
        "✗ 04.2 my-first-repo does not scan on push. Hint: put-image-scanning-configuration changes it.",
        "✔ 04.1 my-first-repo exists and its tags are immutable",
        "✔ 04.2 my-first-repo scans each image that is pushed",
    ]


def test_a_rule_of_the_registry_counts_as_well_as_the_switch_of_the_repository(plain):
    ecr = plain.client()
    ecr.create_repository(repositoryName="my-first-repo", tags=[settings.TAG])
    for pattern, done in {"other-*": False, "my-*": True, "*": True}.items():
        filters = [{"filter": pattern, "filterType": "WILDCARD"}]
        ecr.put_registry_scanning_configuration(
            scanType="BASIC", rules=[{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]
        )
        assert checks.verdict("04.2")[0] == done


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("demo-app-repo:v1", "demo-app-repo"),
        ("localhost:5050/demo-app-repo:v1", "localhost:5050/demo-app-repo"),
        ("localhost:5050/demo-app-repo", "localhost:5050/demo-app-repo"),
        ("localhost:5050/demo-app-repo@sha256:ab", "localhost:5050/demo-app-repo"),
        ("demo-app-repo-of-mine:v1", "demo-app-repo-of-mine"),
    ],
)
def test_the_stem_of_a_name(name, stem):
    assert cleanup._stem(name) == stem
