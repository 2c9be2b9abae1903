"""What was acknowledged is there after a restart, and after ``kill -9`` at any moment."""

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


def facts(sandbox):
    """What a learner would miss: repositories, images and their push times, and the access keys."""
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
    before = facts(sandbox)

    assert sandbox.stop() == 0
    sandbox.start()
    assert facts(sandbox) == before
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
    sandbox.run(f"docker pull {image}")  # with the token of the first run


@pytest.mark.soak
@pytest.mark.parametrize("delay", [0.3, 0.05, 0.8])
def test_a_kill_in_the_middle_of_a_push_loses_nothing_acknowledged(own_sandbox, make_image, delay, soak):
    if not soak and delay != 0.3:
        pytest.skip("one of the three, unless there is time")
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept")
    sandbox.login()
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/kept:v1')}")
    before = facts(sandbox)

    big = make_image(f"{sandbox.registry}/kept:v2", os.urandom(30_000_000))
    push = subprocess.Popen(["docker", "push", big], env=sandbox.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(delay)
    sandbox.stop(signal.SIGKILL)
    push.kill()
    acknowledged = b"digest: sha256" in push.communicate()[0]
    sandbox.start()  # no repair by hand

    after = facts(sandbox)
    assert after[1]["kept"][:1] == before[1]["kept"]
    assert len(after[1]["kept"]) in ((2,) if acknowledged else (1, 2))
    sandbox.run(f"docker push {big}")
    assert len(facts(sandbox)[1]["kept"]) == 2


def test_killed_while_many_repositories_are_made(own_sandbox):
    sandbox = own_sandbox.start()
    acknowledged = []

    def create():
        ecr = sandbox.client()
        try:
            for number in range(500):
                ecr.create_repository(repositoryName=f"repo-{number}")
                acknowledged.append(f"repo-{number}")
        except Exception:  # the sandbox is gone: that is the point
            return

    writer = threading.Thread(target=create)
    writer.start()
    while len(acknowledged) < 20:
        time.sleep(0.01)
    sandbox.stop(signal.SIGKILL)
    writer.join()
    sandbox.start()
    there = {each["repositoryName"] for each in facts(sandbox)[0]}
    assert set(acknowledged) <= there
    assert len(there) <= len(acknowledged) + 1


class TestAStateThatCannotBeRead:
    """It is put aside, said, and never overwritten; the layers that belong to it stay too."""

    @pytest.fixture
    def state(self, own_sandbox):
        """The state folder of a sandbox that was killed; it had one image."""
        own_sandbox.start().client().create_repository(repositoryName="app")
        Pusher(own_sandbox).push("app", [b"a layer"])
        own_sandbox.stop(signal.SIGKILL)
        return own_sandbox.state

    def test_no_database_at_all(self, own_sandbox, state):
        for each in state.glob("state.db*"):
            each.unlink()
        (state / "state.db").write_bytes(b"somebody's bytes" * 100)
        own_sandbox.start()
        assert own_sandbox.client().describe_repositories()["repositories"] == []
        assert (state / "state.db.unreadable-1").read_bytes() == b"somebody's bytes" * 100
        refused = json.loads(own_sandbox.http("POST", "/_sandbox/gc?idle=0", b"")[2])
        assert refused == {"put_aside": ["state.db.unreadable-1"]}

    def test_only_its_log(self, own_sandbox, state):
        (state / "state.db").unlink()
        log = (state / "state.db-wal").read_bytes()
        own_sandbox.start()
        assert (state / "state.db.unreadable-1-wal").read_bytes() == log
        refused = json.loads(own_sandbox.http("POST", "/_sandbox/gc?idle=0", b"")[2])
        assert "state.db.unreadable-1-wal" in refused["put_aside"]

    def test_things_that_this_moto_does_not_know(self, own_sandbox, state):
        with contextlib.closing(sqlite3.connect(state / "state.db")) as db:
            db.execute("UPDATE backends SET pickle = ? WHERE service = 'ecr'", (b"cmoto.gone\nBackend\n.",))
            db.commit()
        own_sandbox.start()
        assert own_sandbox.client().describe_repositories()["repositories"] == []
        with contextlib.closing(sqlite3.connect(state / "state.db.unreadable-1")) as db:
            assert db.execute("SELECT count(*) FROM images").fetchone() == (1,)
        own_sandbox.process.send_signal(signal.SIGTERM)
        said = own_sandbox.process.communicate(timeout=60)[1]
        assert "The state file could not be read (what it says of ecr: No module named 'moto.gone')" in said


class TestTheFile:
    @pytest.fixture
    def path(self, tmp_path):
        """A state file and its log, each with a row of its own, as `kill -9` leaves them."""
        store = Store(tmp_path / "running.db")
        for row, end in (("in the file", "PRAGMA wal_checkpoint(TRUNCATE)"), ("in the log", "SELECT 1")):
            with store.change() as db:
                db.execute("INSERT INTO backends VALUES ('ecr', '1', ?, zeroblob(100000))", (row,))
            store.read().execute(end)
        for part in ("", "-wal", "-shm"):
            shutil.copy(tmp_path / f"running.db{part}", tmp_path / f"state.db{part}")
        store.close()
        return tmp_path / "state.db"

    def rows(self, path):
        with contextlib.closing(Store(path)) as store:
            return [row["region"] for row in store.read().execute("SELECT region FROM backends ORDER BY rowid")]

    def test_file_and_log_are_one(self, path):
        assert self.rows(path) == ["in the file", "in the log"]

    @pytest.mark.parametrize("damage", ["half", "a page", "all"])
    def test_a_damaged_file_is_put_aside_with_its_log(self, path, damage, capsys):
        whole, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
        damaged = {
            "half": whole[: len(whole) // 2],
            "a page": whole[:8192] + b"\xff" * 40000 + whole[48192:],
            "all": b"somebody's bytes" * 1000,
        }[damage]
        path.write_bytes(damaged)
        assert self.rows(path) == []
        aside = Path(f"{path}.unreadable-1")
        assert aside.read_bytes() == damaged
        assert Path(f"{aside}-wal").read_bytes() == log
        assert f"It is kept as {aside}; starting empty." in capsys.readouterr().err
        assert self.rows(path) == []  # and the next start has nothing to put aside
        assert not Path(f"{path}.unreadable-2").exists()

    def test_the_log_is_found_without_its_file(self, path):
        """The last start was killed while it put them aside."""
        log = Path(f"{path}-wal").read_bytes()
        path.unlink()
        assert self.rows(path) == []
        assert Path(f"{path}.unreadable-1-wal").read_bytes() == log

    def test_a_second_damage_does_not_overwrite_the_first(self, tmp_path):
        for number in (1, 2):
            (tmp_path / "state.db").write_bytes(b"%d" % number * 1000)
            assert self.rows(tmp_path / "state.db") == []
            Path(f"{tmp_path}/state.db").unlink()
            for left in tmp_path.glob("state.db-*"):
                left.unlink()
        assert [(tmp_path / f"state.db.unreadable-{number}").read_bytes()[:1] for number in (1, 2)] == [b"1", b"2"]

    def test_a_log_that_was_put_aside_alone_is_not_overwritten_either(self, path):
        log, kept = Path(f"{path}-wal").read_bytes(), Path(f"{path}.unreadable-1-wal")
        kept.write_bytes(b"of an earlier damage")
        path.write_bytes(b"somebody's bytes" * 1000)
        assert self.rows(path) == []
        assert kept.read_bytes() == b"of an earlier damage"
        assert Path(f"{path}.unreadable-2-wal").read_bytes() == log

    def test_one_of_a_newer_course_is_left_where_it_is(self, path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 1000")
        with pytest.raises(ValueError, match="made by a newer version of the sandbox"):
            self.rows(path)
        assert not list(path.parent.glob("state.db.*"))

    def test_a_folder_in_its_place_is_left_where_it_is(self, tmp_path):
        (tmp_path / "state.db").mkdir()
        with pytest.raises(OSError, match=r"Is a directory: .*state\.db"):
            self.rows(tmp_path / "state.db")


def test_after_a_state_that_means_nothing_everything_works_in_the_empty_one(own_sandbox):
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
