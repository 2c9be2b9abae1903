"""``%%live`` prints the output of a bash cell while it runs."""

import io
import os
import signal
import sys

import pytest

from helpers import show
from helpers.show import live_cell


def test_live_prints_both_streams_and_the_exit_status(capsys):
    show.live("", "echo one; echo two >&2; echo three; exit 3")
    assert capsys.readouterr() == ("one\ntwo\nthree\n(exit status 3)\n", "")


def test_live_runs_bash(capsys):
    show.live("", 'words=(a b)\nfor w in "${words[@]}"; do printf "%s\\n" "$w"; done\nprintf unfinished')
    assert capsys.readouterr().out == "a\nb\nunfinished\n"


def test_live_shows_the_text_after_the_last_carriage_return(capsys):
    show.live("", r"printf '10%%\r100%%\r\r\n'; printf 'bad \xff byte\n'")
    assert capsys.readouterr().out == "100%\nbad � byte\n"


def test_live_prints_each_line_immediately(tmp_path, monkeypatch):
    seen = tmp_path / "seen"

    class Screen(io.StringIO):
        def write(self, text):
            if "one" in text:
                seen.touch()
            return super().write(text)

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    show.live("", f"echo one; for i in $(seq 200); do [ -e '{seen}' ] && echo two && exit; sleep 0.05; done; exit 1")
    assert screen.getvalue() == "one\ntwo\n"


def test_an_interrupt_ends_every_process_of_the_cell(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(live_cell, "print", lambda text, **_: os.kill(os.getpid(), signal.SIGALRM), raising=False)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            show.live("", f"echo $$ > {tmp_path}/pid; echo ready; sleep 60; echo never")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (
            "unknown: unexpected status from HEAD request to https://1.dkr.ecr.x/v2/a/blobs/sha256:0: 403 Forbidden",
            "ecr:BatchGetImage and ecr:BatchCheckLayerAvailability",
        ),
        ("error parsing HTTP 403 response body: unexpected end of JSON input", "ecr:BatchGetImage and ecr:BatchC"),
        (
            "unknown: unexpected status from HEAD request to https://public.ecr.aws/v2/a/blobs/sha256:0: 403 Forbidden",
            "ecr-public:BatchCheckLayerAvailability",
        ),
    ],
)
def test_a_refusal_without_a_reason_gets_one(capsys, monkeypatch, said, fix):
    """The words are Docker's, when a learner has no permission for its HEAD requests."""
    monkeypatch.delenv("PUBLIC_REGISTRY", raising=False)
    show.live("", f"echo '{said}'; echo next")
    first, second, third = capsys.readouterr().out.splitlines()
    assert (first, third) == (said, "next")
    assert second.startswith(f"Fix: log in again, or allow {fix}")


def test_a_request_without_a_login_gets_no_other_reason(capsys):
    show.live("", "echo 'unexpected status from HEAD request to http://host/v2/a/blobs/x: 401 Unauthorized'")
    assert "Fix" not in capsys.readouterr().out


def test_live_takes_no_options():
    with pytest.raises(ValueError, match="takes no options"):
        show.live("--check", "true")


def test_the_magic_is_registered_as_live():
    class Shell:
        def register_magic_function(self, function, kind, name):
            self.known = (function, kind, name)

    shell = Shell()
    show.register_magics(shell)
    assert shell.known == (show.live, "cell", "live")
