"""Persistence: every acknowledged change survives a restart, and ``kill -9`` at any moment."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ecr_sandbox.state.store import Store
from tests.sandbox import api
from tests.sandbox.pusher import Pusher

pytestmark = pytest.mark.usefixtures("program")


def described(sandbox):
    """The repositories, the images with their push times, and the users."""
    ecr = sandbox.client()
    repositories = ecr.describe_repositories()["repositories"]
    names = [each["repositoryName"] for each in repositories]
    images = {name: ecr.describe_images(repositoryName=name)["imageDetails"] for name in names}
    users = sandbox.client("iam").list_users()["Users"]
    return repositories, images, users


def test_a_restart_keeps_everything(own_sandbox, make_image):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept", tags=[{"Key": "team", "Value": "a"}])
    sandbox.client("iam").create_user(UserName="alice")
    sandbox.login()
    image = make_image(f"{sandbox.registry}/kept:v1")
    sandbox.run(f"docker push {image}")
    before = described(sandbox)

    assert sandbox.stop() == 0
    sandbox.start()
    assert described(sandbox) == before
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
    sandbox.run(f"docker pull {image}")  # with the token from before the restart


@pytest.mark.soak
@pytest.mark.parametrize("delay", [0.3, 0.05, 0.8])
def test_a_kill_during_a_push_loses_no_acknowledged_image(own_sandbox, make_image, delay, soak):
    if not soak and delay != 0.3:
        pytest.skip("the other delays run in `make soak`")
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept")
    sandbox.login()
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/kept:v1')}")
    before = described(sandbox)

    big = make_image(f"{sandbox.registry}/kept:v2", os.urandom(30_000_000))
    push = subprocess.Popen(["docker", "push", big], env=sandbox.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(delay)
    sandbox.stop(signal.SIGKILL)
    push.kill()
    acknowledged = b"digest: sha256" in push.communicate()[0]
    sandbox.start()  # no manual repair

    after = described(sandbox)
    assert after[1]["kept"][:1] == before[1]["kept"]
    assert len(after[1]["kept"]) in ((2,) if acknowledged else (1, 2))
    sandbox.run(f"docker push {big}")
    assert len(described(sandbox)[1]["kept"]) == 2


def test_a_kill_while_repositories_are_created_loses_none(own_sandbox):
    sandbox = own_sandbox.start()
    acknowledged = []

    def create():
        ecr = sandbox.client()
        try:
            for number in range(500):
                ecr.create_repository(repositoryName=f"repo-{number}")
                acknowledged.append(f"repo-{number}")
        except Exception:  # the sandbox was killed
            return

    writer = threading.Thread(target=create)
    writer.start()
    while len(acknowledged) < 20:
        time.sleep(0.01)
    sandbox.stop(signal.SIGKILL)
    writer.join()
    sandbox.start()
    found = {each["repositoryName"] for each in described(sandbox)[0]}
    assert set(acknowledged) <= found
    assert len(found) <= len(acknowledged) + 1


class TestAnUnreadableState:
    """It is renamed, reported and never overwritten. Its layers stay too."""

    @pytest.fixture
    def state(self, own_sandbox):
        """The state folder of a killed sandbox with one image."""
        own_sandbox.start().client().create_repository(repositoryName="app")
        Pusher(own_sandbox).push("app", [b"a layer"])
        own_sandbox.stop(signal.SIGKILL)
        return own_sandbox.state

    def test_a_file_that_is_no_database_is_kept_under_another_name(self, own_sandbox, state):
        for each in state.glob("state.db*"):
            each.unlink()
        (state / "state.db").write_bytes(b"other bytes" * 100)
        own_sandbox.start()
        assert own_sandbox.client().describe_repositories()["repositories"] == []
        assert (state / "state.db.unreadable-1").read_bytes() == b"other bytes" * 100
        refused = json.loads(own_sandbox.control("POST", "/_sandbox/gc?idle=0", b"")[2])
        assert refused == {"put_aside": ["state.db.unreadable-1"]}

    def test_a_write_ahead_log_without_its_file_is_kept(self, own_sandbox, state):
        (state / "state.db").unlink()
        log = (state / "state.db-wal").read_bytes()
        with pytest.raises(AssertionError, match="is missing or empty, but there are layers in"):
            own_sandbox.start()
        assert (state / "state.db-wal").read_bytes() == log

    def test_objects_of_another_moto_version_are_kept_and_reported(self, own_sandbox, state):
        with contextlib.closing(sqlite3.connect(state / "state.db")) as db:
            db.execute("UPDATE backends SET pickle = ? WHERE service = 'ecr'", (b"cmoto.gone\nBackend\n.",))
            db.commit()
        own_sandbox.start()
        assert own_sandbox.client().describe_repositories()["repositories"] == []
        with contextlib.closing(sqlite3.connect(state / "state.db.unreadable-1")) as db:
            assert db.execute("SELECT count(*) FROM images").fetchone() == (1,)
        own_sandbox.process.send_signal(signal.SIGTERM)
        stderr = own_sandbox.process.communicate(timeout=60)[1]
        assert (
            "The state file could not be read (what it says of ecr: moto.gone.Backend is not part of a state)" in stderr
        )


class TestTheStateFile:
    @pytest.fixture
    def path(self, tmp_path):
        """A state file and its write-ahead log, each with one row, as `kill -9` leaves them."""
        for row in ("in the file", "in the log"):
            store = Store(tmp_path / "running.db")
            with store.change() as db:
                db.execute("INSERT INTO backends VALUES ('ecr', '1', ?, zeroblob(100000))", (row,))
            if row == "in the file":
                store.close()  # SQLite moves what is in the log to the file
        for part in ("", "-wal", "-shm"):
            shutil.copy(tmp_path / f"running.db{part}", tmp_path / f"state.db{part}")
        store.close()
        return tmp_path / "state.db"

    def rows(self, path):
        with contextlib.closing(Store(path)) as store:
            return [row["region"] for row in store.read().execute("SELECT region FROM backends ORDER BY rowid")]

    def test_rows_in_the_file_and_in_the_log_are_read(self, path):
        assert self.rows(path) == ["in the file", "in the log"]

    @pytest.mark.parametrize("damage", ["half", "a page", "all"])
    def test_a_damaged_file_is_kept_with_its_log(self, path, damage, capsys):
        whole, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
        damaged = {
            "half": whole[: len(whole) // 2],
            "a page": whole[:8192] + b"\xff" * 40000 + whole[48192:],
            "all": b"other bytes" * 1000,
        }[damage]
        path.write_bytes(damaged)
        assert self.rows(path) == []
        kept = Path(f"{path}.unreadable-1")
        assert kept.read_bytes() == damaged
        assert Path(f"{kept}-wal").read_bytes() == log
        assert f"It is kept as {kept}; starting empty." in capsys.readouterr().err
        assert self.rows(path) == []  # the next start has nothing to rename
        assert not Path(f"{path}.unreadable-2").exists()

    def test_a_log_without_its_file_is_kept_after_a_killed_start(self, path):
        """The last start was killed between renaming the file and renaming its log."""
        log = Path(f"{path}-wal").read_bytes()
        path.unlink()
        assert self.rows(path) == []
        assert Path(f"{path}.unreadable-1-wal").read_bytes() == log

    def test_a_second_damaged_file_does_not_overwrite_the_first(self, tmp_path):
        for number in (1, 2):
            (tmp_path / "state.db").write_bytes(b"%d" % number * 1000)
            assert self.rows(tmp_path / "state.db") == []
            Path(f"{tmp_path}/state.db").unlink()
            for left in tmp_path.glob("state.db-*"):
                left.unlink()
        assert [(tmp_path / f"state.db.unreadable-{number}").read_bytes()[:1] for number in (1, 2)] == [b"1", b"2"]

    def test_a_log_that_was_kept_alone_is_not_overwritten(self, path):
        log, kept = Path(f"{path}-wal").read_bytes(), Path(f"{path}.unreadable-1-wal")
        kept.write_bytes(b"log of an earlier damage")
        path.write_bytes(b"other bytes" * 1000)
        assert self.rows(path) == []
        assert kept.read_bytes() == b"log of an earlier damage"
        assert Path(f"{path}.unreadable-2-wal").read_bytes() == log

    def test_a_file_of_a_newer_version_stays_in_place(self, path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 1000")
        with pytest.raises(ValueError, match="made by a newer version of the sandbox"):
            self.rows(path)
        assert not list(path.parent.glob("state.db.*"))

    def test_a_folder_in_place_of_the_file_stays(self, tmp_path):
        (tmp_path / "state.db").mkdir()
        with pytest.raises(OSError, match=r"Is a directory: .*state\.db"):
            self.rows(tmp_path / "state.db")


def test_the_sandbox_works_with_an_empty_state_after_an_unreadable_one(own_sandbox):
    own_sandbox.start()
    own_sandbox.client().create_repository(repositoryName="before")
    own_sandbox.stop()
    with contextlib.closing(sqlite3.connect(own_sandbox.state / "state.db")) as db, db:
        db.execute("UPDATE backends SET pickle = 'of another version' WHERE service = 'ecr'")
    own_sandbox.start()
    ecr = own_sandbox.client()
    assert [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]] == []
    ecr.create_repository(repositoryName="after")
    api.upload(ecr, "after", b"{}")
    api.put(ecr, "after", api.manifest(), "v1")
    own_sandbox.forward(60)
    ecr.start_lifecycle_policy_preview(repositoryName="after", lifecyclePolicyText=KEEP_ONE)
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})
    assert (own_sandbox.state / "state.db.unreadable-1").exists()


KEEP_ONE = """{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",
"countNumber": 1}, "action": {"type": "expire"}}]}"""
