"""The images of a repository, the page of one image, and the push commands."""

import html
import json
import os
import re

import pytest

from ecr_sandbox.console.findings import sorted_findings
from tests.sandbox import rootfs
from tests.sandbox.conftest import until
from tests.sandbox.console.pages import Console, text
from tests.sandbox.pusher import Pusher

MARKUP = "<img src=x onerror=alert(1)>"
INDEX = "application/vnd.oci.image.index.v1+json"


def path(repository: str, digest: str = "", page: str = "") -> str:
    return f"/ecr/repositories/private/{repository}" + (f"/_/image/{digest}{page}" if digest else "")


@pytest.fixture
def pusher(sandbox) -> Pusher:
    return Pusher(sandbox)


def test_an_empty_repository(console, repository):
    assert "No images." in text(console.get(path(repository)))


def test_an_image_in_the_list(console, sandbox, repository, pusher):
    pushed = pusher.push(repository, [os.urandom(2_500_000)], "v1")
    page = console.get(path(repository))
    shown = text(page)
    order = ["Image tag", "Artifact type", "Pushed at", "Size (MB)", "Image URI", "Digest", "Last recorded pull time"]
    assert sorted(order, key=shown.index) == order
    assert "v1 Image" in shown
    assert " 2.50 " in shown
    assert f'data-copy="{sandbox.registry}/{repository}:v1"' in page
    assert f'data-copy="{pushed.digest}"' in page


def test_images_in_order_and_searched(console, repository, pusher):
    for tag, size in (("small", 1000), ("large", 90_000), ("middle", 20_000)):
        pusher.push(repository, [os.urandom(size)], tag)
    pusher.push(repository, [os.urandom(10)])
    by_size = re.findall(r">(small|large|middle)<", console.get(path(repository), sort="size"))
    assert by_size == ["small", "middle", "large"]
    assert "1 of 4 images" in text(console.get(path(repository), search="larg"))


@pytest.mark.parametrize("at_once", ["sort=pushed&descending=1", "", "sort=tag", "sort=tag&descending=1", "sort=size"])
def test_a_repository_with_many_images_is_listed_the_same_way(many, at_once):
    """250 images are more than one call describes."""
    console, tags = many
    shown = re.findall(r'image/sha256:[0-9a-f]+">([^<]+)<', console.get(f"{path('many')}?{at_once}"))
    wanted = {"": tags[:-51:-1], "sort=tag": sorted(tags)[:50], "sort=tag&descending=1": sorted(tags)[:-51:-1]}
    assert len(shown) == 50
    assert shown == wanted.get(at_once, shown if at_once == "sort=size" else tags[:-51:-1])
    assert "Page 1 of 5" in text(console.get(f"{path('many')}?{at_once}"))


def test_of_images_of_one_second_the_newest_is_first(console, repository, pusher):
    tags = [f"t{number}" for number in range(6)]
    for tag in tags:
        pusher.push(repository, [tag.encode()], tag)
    assert re.findall(r'image/sha256:[0-9a-f]+">(t[^<]+)<', console.get(path(repository))) == tags[::-1]


def test_many_images_are_searched_and_described(many):
    console, _ = many
    page = text(console.get(path("many"), search="v77"))
    assert "1 of 250 images" in page
    assert re.search(r"other, v77 Image \w+ \d+, \d{4}", page)
    assert console.get(path("many"), page=5).count('name="image"') == 50


def test_a_new_image_is_in_its_place_among_the_sizes_that_are_known(console, sandbox, repository, pusher):
    layer, small = os.urandom(1000), b"small"
    first = pusher.manifest(repository, pusher.push(repository, [layer], "v0").digest)
    for number in range(1, 102):
        text = json.dumps({**first, "annotations": {"number": f"{number}"}})
        sandbox.client().put_image(repositoryName=repository, imageManifest=text, imageTag=f"v{number}")
    assert console.get(path(repository), sort="size", descending=1).count('name="image"') == 50
    pusher.push(repository, [small], "small")
    pusher.push(repository, [os.urandom(2000)], "large")
    tags = re.compile(r'image/sha256:[0-9a-f]+">([^<]+)<')
    assert tags.findall(console.get(path(repository), sort="size"))[0] == "small"
    assert tags.findall(console.get(path(repository), sort="size", descending=1))[0] == "large"


@pytest.fixture(scope="module")
def many(sandbox) -> tuple[Console, list[str]]:
    """A repository of 250 images, and their tags in the order of the pushes."""
    ecr, pusher, tags = sandbox.client(), Pusher(sandbox), [f"v{number}" for number in range(250)]
    ecr.create_repository(repositoryName="many")
    first = pusher.push("many", [b"content"], "v0")
    manifest = pusher.manifest("many", first.digest)
    for tag in tags[1:]:
        text = json.dumps({**manifest, "annotations": {"tag": tag}})
        ecr.put_image(repositoryName="many", imageManifest=text, imageTag=tag)
        if tag == "v77":
            ecr.put_image(repositoryName="many", imageManifest=text, imageTag="other")
    tags[77] = "other, v77"
    return Console(sandbox), tags


def test_a_repository_that_does_not_exist(console):
    assert "RepositoryNotFoundException" in text(console.get(path("missing/one"), 400))


def test_a_name_that_looks_like_a_page(console, sandbox):
    for name in ("image/images", "create/manifest"):
        sandbox.client().create_repository(repositoryName=name)
        assert f"<h1>{name}</h1>" in console.get(path(name))


def test_an_image_has_details_and_its_manifest(console, sandbox, repository, pusher):
    pushed = pusher.push(repository, [os.urandom(300_000), os.urandom(100_000)], "v1")
    details = text(console.get(path(repository, pushed.digest)))
    assert f"{sandbox.registry}/{repository}:v1" in details
    assert "application/vnd.oci.image.manifest.v1+json" in details
    assert "The image was not scanned." in details
    page = console.get(path(repository, pushed.digest, "/manifest"))
    assert [float(width) for width in re.findall(r'<rect x="[^"]+" width="([^"]+)"', page)] == [750.0, 250.0]
    shown = html.unescape(page)
    assert f'"digest": "{pushed.blobs[0]}"' in shown  # of the manifest
    assert '"layers": [' in shown.partition("Config</h2>")[2]
    assert "aws ecr batch-get-image" in shown


def test_an_index_lists_its_images(console, repository, pusher):
    one = pusher.push(repository, [os.urandom(1000)], "one")
    size = len(pusher.manifest_text(repository, one.digest))
    platform = {"architecture": MARKUP, "os": "linux"}
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": one.digest, "size": size}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{**entry, "platform": platform}]}
    status, headers, _ = pusher.ask("PUT", f"/v2/{repository}/manifests/all", json.dumps(index).encode(), INDEX)
    assert status == 201
    assert "all Image Index" in text(console.get(path(repository)))
    page = console.get(path(repository, headers["Docker-Content-Digest"], "/manifest"))
    assert path(repository, one.digest) in page
    assert MARKUP not in page


def test_labels_with_markup_are_escaped(console, sandbox, repository, pusher):
    layer = os.urandom(100)
    digest = pusher.send(repository, layer)
    config = json.dumps({"config": {"Labels": {"title": MARKUP}}, "history": [{"created_by": MARKUP}]}).encode()
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": pusher.send(repository, config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {**about, "size": len(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(layer)}],
        "annotations": {"title": MARKUP},
    }
    body = json.dumps(manifest).encode()
    status, headers, _ = pusher.ask("PUT", f"/v2/{repository}/manifests/v1", body, manifest["mediaType"])
    assert status == 201
    page = console.get(path(repository, headers["Docker-Content-Digest"], "/manifest"))
    assert MARKUP not in page
    assert (
        html.unescape(page).count(MARKUP) == 4
    )  # the layer's command, the annotation, and in the config the label and the command


def test_referrers(console, repository, pusher):
    subject = pusher.push(repository, [os.urandom(100)], "v1")
    about = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject.digest}
    size = len(pusher.manifest_text(repository, subject.digest))
    empty = pusher.send(repository, b"{}")
    blob = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2}
    manifest = {
        "schemaVersion": 2,
        "mediaType": about["mediaType"],
        "artifactType": "application/vnd.example.sbom",
        "config": blob,
        "layers": [blob],
        "subject": {**about, "size": size},
    }
    body = json.dumps(manifest).encode()
    status, headers, _ = pusher.ask("PUT", f"/v2/{repository}/manifests/sbom", body, about["mediaType"])
    assert status == 201
    referrer = headers["Docker-Content-Digest"]
    page = console.get(path(repository, subject.digest))
    assert "application/vnd.example.sbom" in text(page) and path(repository, referrer) in page
    assert path(repository, subject.digest) in console.get(path(repository, referrer))


def test_a_scan(console, repository, pusher):
    pushed = pusher.push(repository, [os.urandom(100)], "v1")
    shown = text(console.post(path(repository, pushed.digest, "/scan")))
    assert "The scan has started." in shown
    assert "aws ecr start-image-scan" in shown
    again = text(console.post(path(repository, pushed.digest, "/scan"), 400))
    assert "The scan quota per image has been exceeded." in again


def test_the_list_has_the_status_of_basic_scans(console, sandbox, repository):
    """DescribeImages does not have it."""
    ecr = sandbox.client()
    rootfs.push(ecr, repository, "v1", rootfs.debian(rootfs.dpkg()))
    image = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    assert "Complete" not in text(console.get(path(repository)))
    ecr.start_image_scan(**image)
    ecr.get_waiter("image_scan_complete").wait(**image, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert "Complete" in text(console.get(path(repository)))


def test_a_long_list_shows_the_scans_a_moment_later(many, sandbox):
    console, tags = many
    ecr, image = sandbox.client(), {"repositoryName": "many", "imageId": {"imageTag": tags[-1]}}
    digest = ecr.start_image_scan(**image)["imageId"]["imageDigest"]
    until(lambda: ecr.describe_image_scan_findings(**image)["imageScanStatus"]["status"] != "IN_PROGRESS")
    [later] = re.findall(r'hx-get="[^"]*/console([^"]*/_/scans[^"]*)"', console.get(path("many")))
    shown = dict(re.findall(r'id="scan-([0-9a-f]+)" hx-swap-oob="true">([^<]+)<', console.get(html.unescape(later))))
    assert len(shown) == 50
    assert shown.pop(digest.removeprefix("sha256:")) == "Failed"
    assert {*shown.values()} == {"-"}


def test_an_image_is_archived_and_restored(console, sandbox, repository, pusher):
    pushed = pusher.push(repository, [os.urandom(100)], "v1")
    page = path(repository, pushed.digest, "/storage")
    shown = console.post(page, target="ARCHIVE")
    assert "The image is archived." in text(shown) and ">Restore</button>" in shown
    assert "aws ecr update-image-storage-class" in text(shown)
    assert "(archived)" in text(console.get(path(repository)))
    assert "The image is being restored." in text(console.post(page, target="STANDARD"))
    assert "InvalidParameterException" in text(console.post(page, 400, target="ELSEWHERE"))


def test_delete_images(console, sandbox, repository, pusher):
    one, two = (pusher.push(repository, [os.urandom(100)], tag) for tag in ("one", "two"))
    delete = f"{path(repository)}/_/delete-images"
    assert "Choose an image in the list first." in text(console.get(delete, 400))
    assert one.digest in console.get(delete, image=[one.digest])
    assert "To confirm, enter delete." in text(console.post(delete, 400, image=one.digest, confirmation="no"))
    assert "Deleted 1 image." in text(console.post(delete, image=one.digest, confirmation="delete"))
    assert pusher.images(repository) == [two.digest]
    failed = text(console.post(delete, 400, image=one.digest, confirmation="delete"))
    assert "ImageNotFound" in failed


def test_push_commands(console, sandbox, repository):
    shown = text(console.get("/ecr/push-commands", repository=repository))
    assert 'eval "$(ecr-sandbox env)"' in shown
    unix, windows = shown.split("Make sure that you have the latest version")[1:]
    login = f"docker login --username AWS --password-stdin {sandbox.registry}"
    rest = [
        f"docker build -t {repository} .",
        f"docker tag {repository}:latest {sandbox.registry}/{repository}:latest",
        f"docker push {sandbox.registry}/{repository}:latest",
    ]
    for part, first in (
        (unix, f"aws ecr get-login-password --region us-east-1 | {login}"),
        (windows, f"(Get-ECRLoginCommand).Password | {login}"),
    ):
        steps = [first, *rest]
        assert sorted(steps, key=part.index) == steps


def test_findings_of_both_kinds_of_scan_have_the_version_that_fixes_them():
    basic = {
        "name": "CVE-1",
        "severity": "LOW",
        "description": "Text. Fixed in 1.2.3-4.",
        "attributes": [{"key": "package_name", "value": "zlib"}, {"key": "package_version", "value": "1.2.3-1"}],
    }
    package = {"name": "flask", "version": "1.0", "fixedInVersion": "2.0"}
    details = {"vulnerabilityId": "CVE-2", "vulnerablePackages": [package]}
    enhanced = {"severity": "CRITICAL", "packageVulnerabilityDetails": details}
    unfixed = {**basic, "name": "CVE-3", "description": "No fixed version is known here."}
    rows = sorted_findings({"findings": [basic, unfixed], "enhancedFindings": [enhanced]})
    assert [(row["name"], row["package"], row["version"], row["fixed"]) for row in rows] == [
        ("CVE-2", "flask", "1.0", "2.0"),
        ("CVE-1", "zlib", "1.2.3-1", "1.2.3-4"),
        ("CVE-3", "zlib", "1.2.3-1", "-"),
    ]
