"""Background jobs: stored in the transaction that creates them, run when due, retried, and resumed after a crash."""

import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from ecr_sandbox.state import clock, jobs
from ecr_sandbox.state.jobs import Jobs
from tests.sandbox.conftest import until

PATIENCE = 30  # seconds; a timeout for hangs


@pytest.fixture
def work(store):
    work = Jobs(store)
    yield work
    work.stop()


def test_a_job_runs_after_its_change(store, work):
    done = []
    work.on("greet", lambda: done.append)
    work.start()
    with store.change():
        work.add("greet", name="Ann")
        time.sleep(0.05)
        assert done == []
    until(lambda: done == [{"name": "Ann"}])
    until(lambda: work.waiting("greet") == [])


def test_a_failed_change_leaves_no_job(store, work):
    done = []
    work.on("greet", lambda: done.append)
    work.start()
    with pytest.raises(LookupError), store.change():
        work.add("greet", name="Ann")
        raise LookupError
    work.add("greet", name="Bob")
    until(lambda: done == [{"name": "Bob"}])


def test_a_handler_is_loaded_by_its_first_job(work):
    loaded, done = [], []
    work.on("greet", lambda: loaded.append(1) or done.append)
    work.start()
    assert loaded == []
    work.add("greet", name="Ann")
    work.add("greet", name="Bob")
    until(lambda: len(done) == 2)
    assert loaded[0] == 1


def test_a_job_runs_when_it_is_due_by_the_clock_of_the_sandbox(store, work):
    done = []
    work.on("expire", lambda: done.append)
    work.start()
    work.add("expire", due=clock.now() + 3600)
    time.sleep(0.1)
    assert done == []
    clock.forward(store, 3601)
    until(lambda: done == [{}])


def test_an_unfinished_job_runs_again_after_a_restart(store, work):
    reached, never = threading.Event(), threading.Event()
    work.on("greet", lambda: lambda what: reached.set() or never.wait(PATIENCE))
    work.start()
    work.add("greet", name="Ann")
    assert reached.wait(PATIENCE)
    work.stop()

    done, again = [], Jobs(store)
    again.on("greet", lambda: done.append)
    again.start()
    until(lambda: done == [{"name": "Ann"}])
    never.set()
    again.stop()


def interrupted(store, kind="greet"):
    """Begin a job in a process that is killed meanwhile; whether it began."""
    program = f"""
import os, pathlib, time
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store
def handler(what):
    print("began", flush=True)
    os.kill(os.getpid(), 9)
store = Store(pathlib.Path({str(store.path)!r}))
clock.install(store)
work = Jobs(store)
work.on({kind!r}, lambda: handler)
work.start()
time.sleep(0.5)
"""
    return b"began" in subprocess.run([sys.executable, "-c", program], capture_output=True).stdout


def test_a_job_that_kills_the_process_is_not_begun_at_each_start(store, work, monkeypatch, capsys):
    """A try is counted before it begins, and the next one is due later. At the end it is given up."""
    ended = []
    work.add("greet", name="Ann")
    assert interrupted(store)
    assert not interrupted(store), "the next try is due later, so the sandbox starts"
    for _ in range(jobs.MAX_TRIES - 1):
        clock.forward(store, 3600)
        assert interrupted(store)
    clock.forward(store, 3600)
    work.on("greet", lambda: pytest.fail, lambda: ended.append)
    work.start()
    until(lambda: ended == [{"name": "Ann"}])
    until(lambda: work.waiting("greet") == [])
    assert "was interrupted 5 times" in capsys.readouterr().err


def test_a_stop_does_not_count_as_a_try(store):
    for _ in range(jobs.MAX_TRIES + 1):
        work, reached, never = Jobs(store), threading.Event(), threading.Event()
        if not work.waiting("hang"):
            work.add("hang")
        work.on("hang", lambda reached=reached, never=never: lambda what: reached.set() or never.wait(PATIENCE))
        work.start()
        assert reached.wait(PATIENCE)
        work.stop()
    [row] = store.read().execute("SELECT * FROM jobs")
    assert row["tries"] == 0


def test_a_job_whose_try_cannot_be_counted_is_not_begun(store, work, monkeypatch, capsys):
    """The disk is full, for example."""
    monkeypatch.setattr(jobs, "PAUSE", 0.01)
    done, change = [], store.change
    work.add("greet", name="Ann")

    def full(*arguments, **more):
        raise OSError("No space left on device")

    monkeypatch.setattr(store, "change", full)
    work.on("greet", lambda: done.append)
    work.start()
    time.sleep(0.2)
    assert done == []
    monkeypatch.setattr(store, "change", change)
    until(lambda: done == [{"name": "Ann"}])
    assert "could not be recorded" in capsys.readouterr().err


def test_a_job_that_fails_too_often_is_given_up(work, monkeypatch, capsys):
    """Also if its failure cannot be noted."""
    monkeypatch.setattr(jobs, "PAUSE", 0.001)
    ended = []
    work.on("copy", lambda: lambda what: 1 / 0, lambda: lambda what: ended.append(what) or 1 / 0)
    work.add("copy", image="a")
    work.start()
    until(lambda: work.waiting("copy") == [])
    assert ended == [{"image": "a"}]


def test_no_kind_of_job_holds_up_the_others(work):
    release, done, running = threading.Event(), [], []
    work.on("hang", lambda: lambda what: running.append(what) or release.wait(PATIENCE))
    work.on("greet", lambda: done.append)
    for number in range(2 * jobs.WORKERS):
        work.add("hang", number=number)
    work.start()
    until(lambda: len(running) == jobs.MOST_OF_A_KIND)
    work.add("greet", name="Ann")
    until(lambda: done == [{"name": "Ann"}])
    assert len(running) == jobs.MOST_OF_A_KIND
    release.set()
    until(lambda: len(running) == 2 * jobs.WORKERS)


def test_a_failing_job_is_retried_and_finally_dropped(work, monkeypatch, capsys):
    monkeypatch.setattr(jobs, "PAUSE", 0.001)
    tries = []

    def fail(what):
        tries.append(what)
        raise OSError("no route")

    work.on("copy", lambda: fail)
    work.start()
    work.add("copy", image="a")
    until(lambda: work.waiting("copy") == [])
    assert len(tries) == jobs.MAX_TRIES
    assert "no route" in capsys.readouterr().err


def test_a_job_that_hangs_does_not_stop_the_others(work):
    release, done = threading.Event(), []
    work.on("hang", lambda: lambda what: release.wait(PATIENCE))
    work.on("greet", lambda: done.append)
    work.start()
    work.add("hang")
    work.add("greet", name="Ann")
    until(lambda: done == [{"name": "Ann"}])
    release.set()


def test_a_job_without_a_handler_is_kept(store, work):
    work.start()
    work.add("unheard-of", n=1)
    time.sleep(0.1)
    assert work.waiting("unheard-of") == [{"n": 1}]
    work.drop("unheard-of", n=1)
    assert work.waiting("unheard-of") == []


def test_a_job_that_is_dropped_while_it_runs_does_not_delete_another(work):
    reached, resume, done = threading.Event(), threading.Event(), []
    work.on("hang", lambda: lambda what: reached.set() or resume.wait(PATIENCE))
    work.add("hang")
    work.start()
    assert reached.wait(PATIENCE)
    work.drop("hang")
    work.add("greet", name="Ann")
    resume.set()
    until(lambda: not work._running)
    work.on("greet", lambda: done.append)
    work._wake()
    until(lambda: done == [{"name": "Ann"}])


def test_a_state_that_cannot_be_read_for_a_moment_ends_no_worker(work, monkeypatch):
    real, failed = work._first, set()

    def first():
        if threading.get_ident() not in failed:
            failed.add(threading.get_ident())
            raise sqlite3.OperationalError("disk I/O error")
        return real()

    monkeypatch.setattr(work, "_first", first)
    done = []
    work.on("greet", lambda: done.append)
    work.start()
    until(lambda: len(failed) == jobs.WORKERS)
    work.add("greet", name="Ann")
    until(lambda: done == [{"name": "Ann"}])


def test_a_kind_can_have_fewer_jobs_at_the_same_time(store):
    queue, running, release = jobs.Jobs(store), [], threading.Event()
    queue.on("slow", lambda: lambda what: (running.append(what), release.wait(PATIENCE)), most=1)
    queue.on("quick", lambda: lambda what: running.append(what))
    for number in range(3):
        queue.add("slow", number=number)
    queue.add("quick", number=3)
    queue.start()
    until(lambda: {"number": 3} in running)
    assert running == [{"number": 0}, {"number": 3}]
    release.set()
    until(lambda: len(running) == 4)
    queue.stop()
