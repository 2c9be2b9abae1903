"""A command on another computer sees that computer's environment, and everything that it says is heard."""

from helpers.shell import run_on


def test_it_sees_the_other_environment_and_this_one(monkeypatch):
    monkeypatch.setenv("HERE", "here")
    assert run_on({"THERE": "there"}, 'echo "$HERE and $THERE"') == "here and there"


def test_errors_are_heard_in_their_place():
    assert run_on({}, "echo one; echo two >&2; echo three; exit 3") == "one\ntwo\nthree"


def test_progress_is_not():
    pushed = "The push refers to repository [localhost:5050/app]\n1a2b3c4d5e6f: Preparing\n1a2b3c4d5e6f: Pushed\n"
    assert run_on({}, f"printf '{pushed}'").splitlines()[1:] == ["1a2b3c4d5e6f: Pushed"]


def test_where_there_is_none_nothing_is_run(tmp_path):
    assert run_on(None, f"touch {tmp_path}/made").startswith("skipped")
    assert not (tmp_path / "made").exists()
