"""The process of a scan: what images may cost, and that it never costs the sandbox anything.

That an image is too much for a scan is AWS's case of an image that is not supported:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-troubleshooting.html, "UnsupportedImageError".
The limits themselves are ours.
"""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ecr_sandbox.services.ecr.scan import advisories, limits, process
from ecr_sandbox.services.ecr.scan.layers import Unreadable
from ecr_sandbox.services.ecr.scan.limits import TooMuch
from tests.sandbox import rootfs
from tests.sandbox.bombs import BOMBS, bomb
from tests.sandbox.conftest import until

# Scans the layers in files from a fresh, small process; prints the result, and the most memory that its child used.
MEASURED = """
import resource, sys
from ecr_sandbox.services.ecr.scan import process
from tests.sandbox.services.ecr.scan.test_process import request
try:
    process.scan(**request(*sys.argv[1:]))
    print("scanned")
except process.TooMuch as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def request(*files: Path | str) -> dict:
    """A request to scan an image with these layers."""
    layers = [(f"sha256:{number}", str(file)) for number, file in enumerate(files)]
    shipped = str(advisories.SHIPPED)
    return {"layers": layers, "inventory": None, "advisories": shipped, "compare": True, "only_system": False}


@pytest.fixture
def layer(tmp_path):
    """A layer of Debian with one old package."""
    file = tmp_path / "layer"
    file.write_bytes(rootfs.layer(rootfs.debian(rootfs.dpkg())))
    return file


@pytest.fixture
def worker(monkeypatch):
    """A function that replaces the worker with a program of one line."""

    def replace(program: str) -> None:
        monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))

    return replace


def test_it_returns_packages_and_findings(layer):
    answer = process.scan(**request(layer))
    [package], [finding] = answer["inventory"]["packages"], answer["findings"]
    assert (package["name"], finding["id"]) == ("libpcre2-8-0", rootfs.CVE)
    again = process.scan(**{**request(), "inventory": answer["inventory"]})
    assert again == answer, "the layers are not needed again"


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - {"million_files"}))  # that one: robustness/test_bad_images.py
def test_an_image_that_costs_too_much_is_refused_in_little_memory(name, layer, tmp_path):
    file = tmp_path / "bomb"
    file.write_bytes(bomb(name))
    done = subprocess.run([sys.executable, "-c", MEASURED, file, layer], capture_output=True, text=True, timeout=600)
    *result, most = done.stdout.splitlines()
    assert result != ["scanned"], "it was not too much"
    assert len(result) == 1, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
    assert int(most) * unit < 150 << 20


def test_a_damaged_layer_is_not_too_much(tmp_path):
    file = tmp_path / "layer"
    file.write_bytes(b"no tar" * 1000)
    with pytest.raises(Unreadable, match="sha256:0 cannot be unpacked"):
        process.scan(**request(file))
    with pytest.raises(Unreadable, match="is not there"):
        process.scan(**request(tmp_path / "none"))


def test_a_killed_process_has_read_too_much(worker):
    worker("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(TooMuch):
        process.scan(**request())


def test_a_process_that_hangs_is_killed(worker, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    worker("import time; time.sleep(600)")
    with pytest.raises(TooMuch):
        process.scan(**request())


def test_an_endless_answer_is_not_read(worker, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_BYTES", 1000)
    worker("while True: print('x' * 1000)")
    with pytest.raises(TooMuch, match="1000 bytes"):
        process.scan(**request())


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "import sys; sys.stdin.close(); raise SystemExit(3)"])
def test_a_process_that_cannot_start_is_a_failure(worker, program):
    worker(program)
    with pytest.raises(process.Failed, match="status 3"):
        process.scan(**{**request(), "inventory": {"packages": "x" * 1_000_000}})


def test_an_unexpected_error_is_a_failure(tmp_path, capfd):
    with pytest.raises(process.Failed):
        process.scan(**{**request(), "inventory": {"platform": "DEBIAN_12", "packages": [{"wrong": 1}]}})
    assert "Traceback" in capfd.readouterr().err


LIMITED = "from ecr_sandbox.services.ecr.scan import limits, worker; worker._limit(1);"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce it")
def test_memory_is_limited():
    done = subprocess.run([sys.executable, "-c", f"{LIMITED} bytearray({limits.MEMORY})"], capture_output=True)
    assert b"MemoryError" in done.stderr


def test_processor_time_is_limited(worker):
    worker(f"{LIMITED}\nwhile True: pass")
    with pytest.raises(process.TooSlow, match="more than 1 seconds"):
        process.scan(1, **request())


def test_it_loads_little():
    """The start of the process is most of the cost of a scan: 0.1 s, and 1 s with moto."""
    program = "import sys; from ecr_sandbox.services.ecr.scan import worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split()
    assert "ecr_sandbox.services.ecr.scan.worker" in loaded
    assert not {"moto", "boto3", "botocore", "requests", "werkzeug", "sqlite3"} & set(loaded)


@pytest.mark.parametrize("busy", [False, True])
def test_it_does_not_outlive_a_killed_sandbox(tmp_path, busy):
    """It reads its standard input to the end, also while it works."""
    file = tmp_path / "layer"
    file.write_bytes(bomb("million_files"))
    program = f"from ecr_sandbox.services.ecr.scan import process; process.scan(**{request(file)!r})"
    parent = subprocess.Popen([sys.executable, "-c", program])
    [child] = until(lambda: psutil.Process(parent.pid).children())
    if busy:
        until(lambda: child.cpu_times().user > 0.5)
    parent.kill()
    parent.wait()
    until(lambda: not child.is_running())


def test_it_gets_no_keys(worker, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    worker("import os, json; print(json.dumps({'keys': [each for each in os.environ if each.startswith('AWS')]}))")
    assert process.scan(**request()) == {"keys": []}


def test_many_findings_are_too_much(layer):
    answer = process.scan(**request(layer))
    [package] = answer["inventory"]["packages"]
    many = [{**package, "path": str(number)} for number in range(limits.FINDINGS + 1)]
    with pytest.raises(TooMuch, match="findings"):
        process.scan(**{**request(), "inventory": {**answer["inventory"], "packages": many}})
