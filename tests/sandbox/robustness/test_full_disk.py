"""A full disk: requests fail with one message, no stored data is lost, and freeing space is enough."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.auth import control_key
from helpers import settings
from tests.sandbox.conftest import PATIENCE, Sandbox
from tests.sandbox.pusher import Pusher, Unexpected

MEGABYTE = 1_000_000
MESSAGE = "The disk that holds the sandbox is full. Nothing stored earlier is lost."


class SmallDisk:
    """A file system of 120 MB, mounted for one sandbox only."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        sandbox.state.mkdir()
        mount = f"mount -t tmpfs -o size=120m tmpfs {sandbox.state} && echo mounted && exec sleep infinity"
        root = os.geteuid() == 0
        command = ["unshare", *([] if root else ["--map-root-user"]), "--mount", "sh", "-c", mount]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self._holder.stdout.readline() != "mounted\n":
            self.close()
            pytest.skip("this system does not allow the test to mount a file system")
        user = [] if root else ["--user", "--preserve-credentials"]
        self.inside = ["nsenter", f"--target={self._holder.pid}", *user, "--mount", f"--wd={settings.PROJECT}"]
        self.state = Path(f"/proc/{self._holder.pid}/root{sandbox.state}")

    def start(self) -> None:
        self.sandbox.start(prefix=self.inside)

    def fill(self) -> None:
        """Fill the disk to the last byte."""
        with (self.state / "filler").open("wb", buffering=0) as filler:
            for size in (MEGABYTE, 1000, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def free(self) -> None:
        (self.state / "filler").unlink()

    def make_read_only(self, name: str) -> None:
        """Let nobody write to a folder of the state any more."""
        folder = str(self.sandbox.state / name)
        subprocess.run([*self.inside, "mount", "--bind", folder, folder], check=True)
        subprocess.run([*self.inside, "mount", "-o", "remount,bind,ro", folder], check=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture
def disk(tmp_path):
    """A small disk with a sandbox that is not started yet."""
    disk = SmallDisk(Sandbox(tmp_path))
    yield disk
    if disk.sandbox.process and disk.sandbox.process.poll() is None:
        disk.sandbox.stop()
    disk.close()


@pytest.fixture
def full(disk):
    """The client of a sandbox that has one image and no space left."""
    disk.start()
    disk.sandbox.client().create_repository(repositoryName="app")
    pusher = Pusher(disk.sandbox)
    pusher.push("app", [b"stored earlier"], tag="v1")
    disk.fill()
    return pusher


def described(sandbox):
    ecr = sandbox.client()
    return ecr.describe_repositories()["repositories"], ecr.describe_images(repositoryName="app")["imageDetails"]


def test_a_push_that_does_not_fit_is_refused_and_frees_its_space(disk, make_image):
    disk.start()
    sandbox = disk.sandbox
    sandbox.login()
    sandbox.client().create_repository(repositoryName="app")
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/app:v1', os.urandom(30 * MEGABYTE))}")
    before = described(sandbox)

    too_big = make_image(f"{sandbox.registry}/app:v2", os.urandom(110 * MEGABYTE))
    assert f"denied: {MESSAGE}" in sandbox.refused(f"docker push {too_big}")

    assert described(sandbox) == before
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/app:v3')}")  # the failed push freed its space


def test_api_calls_that_change_something_are_refused(disk, full):
    ecr, elsewhere = disk.sandbox.client(), disk.sandbox.client(region="eu-west-1")
    manifest = full.manifest_text("app", "v1")
    changes = [
        lambda: ecr.create_repository(repositoryName="other"),
        lambda: ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="v2"),
        lambda: ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}]),
        lambda: ecr.initiate_layer_upload(repositoryName="app"),
        lambda: disk.sandbox.client("iam").create_user(UserName="alice"),
        lambda: elsewhere.create_repository(repositoryName="the-first-there"),
    ]
    before = described(disk.sandbox)
    for change in changes:
        with pytest.raises(ClientError, match=MESSAGE):
            change()
    assert described(disk.sandbox) == before
    assert "alice" not in [each["UserName"] for each in disk.sandbox.client("iam").list_users()["Users"]]
    assert elsewhere.describe_repositories()["repositories"] == []
    disk.free()
    for change in changes:  # without a restart
        change()


def test_a_part_of_a_started_upload_is_refused(disk, full):
    disk.free()
    ecr = disk.sandbox.client()
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    location = full.start("app")
    disk.fill()
    part = {"partFirstByte": 0, "partLastByte": 999, "layerPartBlob": os.urandom(1000)}
    with pytest.raises(ClientError, match=MESSAGE):
        ecr.upload_layer_part(repositoryName="app", uploadId=upload, **part)
    with pytest.raises(Unexpected, match=MESSAGE):
        full.part(location, os.urandom(1000))
    disk.free()
    full.pull("app", full.push("app", [os.urandom(1000)]).digest)


def test_pulls_and_reads_need_no_space(disk, full):
    [image] = described(disk.sandbox)[1]
    full.pull("app", image["imageDigest"])


def test_a_disk_that_became_read_only(disk):
    """Pulls continue; a push is refused with the reason and a status that SDKs retry, and the sandbox does not end.

    The code and the status: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_InitiateLayerUpload.html
    """
    disk.start()
    disk.sandbox.client().create_repository(repositoryName="app")
    pusher = Pusher(disk.sandbox)
    image = pusher.push("app", [b"stored earlier"])
    location = pusher.start("app")
    for name in ("blobs", "uploads", "trash"):
        disk.make_read_only(name)
    for push in (lambda: pusher.start("app"), lambda: pusher.part(location, b"more")):
        with pytest.raises(Unexpected, match=r"The sandbox could not do this: .*Read-only"):
            push()
    with pytest.raises(ClientError, match=r"ServerException.*The sandbox could not do this: .*Read-only") as refused:
        disk.sandbox.client().initiate_layer_upload(repositoryName="app")
    about = refused.value.response["ResponseMetadata"]
    assert about["HTTPStatusCode"] == 500 and about["RetryAttempts"] > 0
    pusher.pull("app", image.digest)
    assert pusher.ask_blob("app", image.blobs[0]) == 200


def test_deleting_an_image_frees_space(disk):
    """A deletion needs a little space for its transaction."""
    disk.start()
    disk.sandbox.client().create_repository(repositoryName="app")
    pusher = Pusher(disk.sandbox)
    big = pusher.push("app", [os.urandom(30 * MEGABYTE)])
    disk.fill()
    with (disk.state / "filler").open("r+b") as filler:
        filler.truncate(filler.seek(0, os.SEEK_END) - 200_000)
    disk.sandbox.client().batch_delete_image(repositoryName="app", imageIds=[{"imageDigest": big.digest}])
    key = control_key.authorization(disk.state)
    code, _, body = disk.sandbox.http("POST", "/_sandbox/gc", b"", Authorization=key)
    assert (code, json.loads(body)["freed"]) == (200, big.size)


def up(disk) -> str:
    """What ``ecr-sandbox up`` prints when it fails."""
    command = [*disk.inside, sys.executable, "-m", "ecr_sandbox", "up"]
    done = subprocess.run(command, env=disk.sandbox.env, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_up_names_a_disk_that_is_read_only(disk):
    folder = str(disk.sandbox.state)
    subprocess.run([*disk.inside, "mount", "-o", "remount,ro", folder], check=True)
    sentence = f"ecr-sandbox: The disk {folder}, which holds {folder}, is read-only. Fix: make it writable"
    assert up(disk).startswith(sentence)


def test_a_start_on_a_full_disk_fails_with_one_line_and_loses_nothing(disk, full):
    before = described(disk.sandbox)
    disk.sandbox.stop()
    disk.fill()  # stopping freed some space
    done = subprocess.run(
        [*disk.inside, f"{sys.executable}", "-m", "ecr_sandbox", "serve"],
        env=disk.sandbox.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    sentence = f"The disk {disk.sandbox.state}, which holds {disk.sandbox.state}, is full. Free some disk space, "
    assert f"{sentence}then run: ecr-sandbox up" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not list(disk.state.glob("state.db.unreadable*"))
    assert f"The disk {disk.sandbox.state}, which holds {disk.sandbox.state}, is full." in up(disk)
    disk.free()
    disk.start()
    assert described(disk.sandbox) == before
    full.pull("app", before[1][0]["imageDigest"])
