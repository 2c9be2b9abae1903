"""Images made to hurt a scanner: the sandbox answers, scans other images, restarts, and uses little memory.

That such an image is not supported: user guide, "Troubleshooting image scanning", UnsupportedImageError
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-troubleshooting.html).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from tests.sandbox import api
from tests.sandbox.bombs import BOMBS, bomb
from tests.sandbox.conftest import until
from tests.sandbox.rootfs import CVE, debian, dpkg, layer, push
from tests.sandbox.services.ecr.test_scan_api import enhanced, make, names, scanned

UNSUPPORTED = "UnsupportedImageError: The operating system and/or package manager are not supported."


def push_bomb(ecr, repository: str, name: str, tag: str = "v1") -> str:
    """Push an image whose first layer is the bomb of that *name*, below an ordinary one."""
    layers = (bomb(name), layer(debian(dpkg())))
    for blob in (b"{}", *layers):
        with suppress(ecr.exceptions.LayerAlreadyExistsException):
            api.upload(ecr, repository, blob)
    return api.put(ecr, repository, api.manifest(layers=layers, annotations={"tag": tag}), tag)


@contextmanager
def measured(process: psutil.Process) -> Iterator[list[int]]:
    """The memory in use by *process* and its children, in bytes, over and over."""
    seen, done = [0], threading.Event()

    def measure() -> None:
        while not done.wait(0.02):
            with suppress(psutil.NoSuchProcess):
                seen.append(sum(each.memory_info().rss for each in (process, *process.children())))

    thread = threading.Thread(target=measure)
    thread.start()
    yield seen
    done.set()
    thread.join()


@pytest.mark.operation("DescribeImageScanFindings")
def test_images_that_cost_too_much_are_unsupported_and_hold_up_no_other(own_sandbox):
    ecr = own_sandbox.start().client()
    bad = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    good = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    with measured(psutil.Process(own_sandbox.process.pid)) as memory:
        for name in ("million_files", "million_files"):
            push_bomb(ecr, bad, name, f"slow-{len(ecr.list_images(repositoryName=bad)['imageIds'])}")
        push(ecr, good, "v1", debian(dpkg()))
        assert names(scanned(ecr, good)) == [(CVE, "libpcre2-8-0")]
        slow = ecr.describe_image_scan_findings(repositoryName=bad, imageId={"imageTag": "slow-0"})
        assert slow["imageScanStatus"]["status"] == "IN_PROGRESS", "the good one did not wait for the bad ones"
        quick = BOMBS.keys() - {"million_files"}
        for name in quick:
            push_bomb(ecr, bad, name, name)
        for name in (*quick, "slow-0", "slow-1"):
            found = scanned(ecr, bad, name, done=lambda answer: True)["imageScanStatus"]
            assert found["status"] == "FAILED", name
            assert found["description"].startswith(UNSUPPORTED), name
    assert max(memory) < 700 << 20


@pytest.mark.soak
def test_many_slow_images_hold_up_no_other(own_sandbox, soak):
    """Eight scans of 20 seconds each are put off; the one after them does not wait for their end."""
    if not soak:
        pytest.skip("it runs in `make soak`")
    ecr = own_sandbox.start().client()
    bad = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    good = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    slow = [f"v{number}" for number in range(8)]
    for tag in slow:
        push_bomb(ecr, bad, "empty_lines", tag)
    push(ecr, good, "v1", debian(dpkg()))
    assert names(scanned(ecr, good)) == [(CVE, "libpcre2-8-0")]
    for tag in slow:
        status = ecr.describe_image_scan_findings(repositoryName=bad, imageId={"imageTag": tag})["imageScanStatus"]
        assert status["status"] == "IN_PROGRESS", tag


@pytest.mark.operation("DescribeImageScanFindings")
def test_an_enhanced_scan_has_a_status_for_them(own_sandbox):
    """API reference, ImageScanStatus: ``UNSUPPORTED_IMAGE``."""
    ecr = own_sandbox.start().client()
    enhanced(ecr, ("SCAN_ON_PUSH", "*"))
    bad = make(ecr)
    push_bomb(ecr, bad, "long_version")
    found = scanned(ecr, bad, done=lambda answer: True)["imageScanStatus"]
    assert (found["status"], found["description"].startswith(UNSUPPORTED)) == ("UNSUPPORTED_IMAGE", True)


def test_a_killed_sandbox_leaves_no_scan_and_starts_again(own_sandbox):
    ecr = own_sandbox.start().client()
    bad = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push_bomb(ecr, bad, "million_files")
    process = psutil.Process(own_sandbox.process.pid)
    children = until(process.children)
    own_sandbox.stop(signal.SIGKILL)
    until(lambda: not any(child.is_running() for child in children))
    ecr = own_sandbox.start().client()
    good = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, good, "v1", debian(dpkg()))
    assert names(scanned(ecr, good)) == [(CVE, "libpcre2-8-0")]
    assert own_sandbox.stop() == 0


def test_a_killed_scan_ends_as_unsupported(own_sandbox):
    """The system kills a process when it lacks memory (Linux: the OOM killer)."""
    ecr = own_sandbox.start().client()
    bad = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push_bomb(ecr, bad, "million_files")
    [child] = until(psutil.Process(own_sandbox.process.pid).children)
    child.kill()
    found = scanned(ecr, bad, done=lambda answer: True)["imageScanStatus"]
    assert (found["status"], found["description"].startswith(UNSUPPORTED)) == ("FAILED", True)
    assert ecr.describe_repositories()["repositories"], "the sandbox answers"
