"""Images in the Docker engine are found by their name and their labels; those of others stay."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

import helpers
from ecr_sandbox import SandboxError
from helpers import cleanup, ledger, settings, tiny_image
from helpers.cleanup import engine
from helpers.ledger import Entry

PREFIX = "helpers-test-engine-"


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
def test_an_image_name_without_its_tag_or_digest(name, stem):
    assert engine._stem(name) == stem


def test_all_logins_in_the_courses_own_configuration_are_deleted(plain):
    file = Path(os.environ["DOCKER_CONFIG"], "config.json")
    config = {"auths": {plain.registry: {"auth": "eA=="}, "public.ecr.aws": {}}, "credHelpers": {plain.registry: "x"}}
    file.write_text(json.dumps({**config, "proxies": {}}))
    engine.log_out()
    assert json.loads(file.read_text()) == {"auths": {"nowhere.invalid": {}}, "proxies": {}}
    assert file.stat().st_mode & 0o77 == 0


def test_the_learners_own_logins_stay(plain, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    file = tmp_path / ".docker" / "config.json"
    file.parent.mkdir()
    file.write_text('{"auths": {"public.ecr.aws": {}}}')
    engine.log_out()
    assert file.read_text() == '{"auths": {"public.ecr.aws": {}}}'


# With Docker ---


@pytest.fixture
def lab(monkeypatch, capsys):
    """A connected lab whose names begin so that a developer's own images are not changed."""
    monkeypatch.setattr(settings, "PREFIX", PREFIX)
    monkeypatch.setattr(settings, "REPOSITORY", f"{PREFIX}app-repo")
    connected = helpers.connect()
    capsys.readouterr()
    yield connected
    for image in connected.engine().api.images():
        for name in image["RepoTags"] or []:
            if PREFIX in name:
                connected.engine().images.remove(name, force=True)


def load(lab, name: str, labels: dict[str, str]) -> None:
    """Load an image that has these labels."""
    layer = tiny_image.tar({"app/note.txt": name.encode()})
    about = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels, "Cmd": ["cat"]}}
    config = tiny_image.describe([layer], about)[0]
    listed = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {"config.json": config, "manifest.json": json.dumps(listed).encode(), "layer.tar": layer}
    lab.engine().api.load_image(tiny_image.tar(files))


def test_images_of_others_stay_whatever_their_names_are(lab):
    theirs = [f"{PREFIX}app-repo:mine", f"{PREFIX}app-scan:mine", f"docker.example/{PREFIX}app-repo:mine"]
    ours = [f"{PREFIX}app-repo:v1", f"{PREFIX}app-scan:old", f"{lab.repository_uri}:v1"]
    for name in (*theirs, f"{lab.repository_uri}:v1"):
        load(lab, name, {})
    for name in (*ours[:2], f"docker.example/{PREFIX}app-repo:pushed-elsewhere"):
        load(lab, name, {engine.TITLE: "demo-app"})
    assert engine.clean_up(lab, []).names == sorted(ours)
    left = {name for image in lab.engine().api.images() for name in image["RepoTags"] or [] if PREFIX in name}
    assert left == {*theirs, f"docker.example/{PREFIX}app-repo:pushed-elsewhere"}


def test_images_of_a_repository_are_found_by_the_ledger_after_it_is_gone(lab):
    image = f"{lab.registry}/{PREFIX}gone:v1"
    load(lab, image, {})
    assert engine.local_images(lab) == []
    ledger.note(Entry(lab.account, lab.region, "repository", f"{PREFIX}gone"))
    assert lab.clean_up(dry_run=True)["images"] == [image]
    assert lab.clean_up()["images"] == [image]
    assert ledger.entries() == []


def test_an_image_of_the_course_is_found_if_its_repository_never_existed(lab):
    ours, theirs = (f"{lab.registry}/{PREFIX}{name}:v1" for name in ("mistyped", "theirs"))
    load(lab, ours, {settings.TAG["Key"]: settings.TAG["Value"]})
    load(lab, theirs, {})
    assert lab.clean_up()["images"] == [ours]


def test_images_of_a_registry_of_the_course_are_found_by_the_ledger(lab):
    hub, other = (f"{host}/{PREFIX}hello:v1" for host in ("hub.example:5251", "hub.example:52511"))
    for name in (hub, other):
        load(lab, name, {})
    engine.note_registry(lab, "hub.example:5251")
    assert lab.clean_up()["images"] == [hub]
    assert engine.local_images(lab) == []


def test_images_of_a_public_repository_are_found_by_its_address(lab):
    public = lab.client("ecr-public").create_repository(repositoryName=f"{PREFIX}public", tags=[settings.TAG])
    ours = f"{public['repository']['repositoryUri']}:v1"
    theirs = ours.replace(f"/{PREFIX}public", f"/another-alias/{PREFIX}public")
    for name in (ours, theirs):
        load(lab, name, {})
    assert lab.clean_up()["images"] == [ours]


def test_a_container_that_a_killed_cell_left_is_removed_with_its_image(lab):
    api = lab.engine().api
    for name, labels in ((f"{PREFIX}app-repo:v1", {engine.TITLE: "demo-app"}), (f"{PREFIX}theirs:v1", {})):
        load(lab, name, labels)
    ours = api.create_container(f"{PREFIX}app-repo:v1")["Id"]
    theirs = api.create_container(f"{PREFIX}theirs:v1")["Id"]
    try:
        assert engine.clean_up(lab, []) == ([f"{PREFIX}app-repo:v1"], [], ())
        left = {each["Id"] for each in api.containers(all=True)}
        assert theirs in left
        assert ours not in left
    finally:
        api.remove_container(theirs, force=True)


def test_an_image_of_the_course_that_lost_its_name_is_deleted(lab):
    name, labels = f"{PREFIX}app-repo:v1", {engine.TITLE: "demo-app"}
    load(lab, name, labels)
    first = lab.engine().images.get(name).id
    load(lab, name, {**labels, "release": "2"})
    assert engine.clean_up(lab, []) == ([name], [], ())
    assert first not in {image["Id"] for image in lab.engine().api.images()}


def test_an_image_without_a_label_is_the_courses_if_it_was_noted_before(lab, monkeypatch):
    name = f"{PREFIX}release:1"
    load(lab, name, {})
    on_aws = dataclasses.replace(lab, target="aws", second=None)
    monkeypatch.setattr("helpers.cleanup.everything.by_place", lambda _: {})
    with pytest.raises(SandboxError, match=f"^The image {name} on this machine was not built by this course"):
        cleanup.note(on_aws, [("image", name)])
    assert engine.local_images(lab) == []
    cleanup.note(lab, [("image", name)])
    cleanup.note(on_aws, [("image", name)])
    assert lab.clean_up()["images"] == [name]


def test_an_image_of_others_is_not_built_over(lab):
    load(lab, f"{PREFIX}app-repo:latest", {})
    with pytest.raises(SandboxError, match=f"^The image {PREFIX}app-repo on this machine was not built by this course"):
        lab.catch_up("06")
    assert ledger.entries() == []


def test_a_container_of_others_stays(lab, monkeypatch):
    monkeypatch.setattr(engine, "CONTAINERS", (f"{PREFIX}broken", f"{PREFIX}first"))
    for name, labels in ((f"{PREFIX}broken", {}), (f"{PREFIX}first", {engine.TITLE: "demo-app"})):
        load(lab, f"{name}:latest", labels)
        lab.engine().api.create_container(name, name=name)
    try:
        with pytest.raises(SandboxError, match=f"^The container {PREFIX}broken is not of this course, so it stays"):
            engine.container(lab, f"{PREFIX}broken")
        engine.clean_up(lab, [])
        assert [each.name for each in lab.engine().containers.list(all=True) if PREFIX in each.name] == [
            f"{PREFIX}broken"
        ]
    finally:
        lab.engine().containers.get(f"{PREFIX}broken").remove(force=True)
