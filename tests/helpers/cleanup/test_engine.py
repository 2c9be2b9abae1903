"""Images in the Docker engine are found by their name and their labels; those of others stay."""

import json

import pytest

import helpers
from ecr_sandbox import SandboxError
from helpers import ledger, settings, tiny_image
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
