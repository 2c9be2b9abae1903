"""A check prints one line in every case."""

import json

import pytest

from ecr_sandbox import SandboxError
from helpers import lab
from helpers.exercises import check, checks, lookup, part2_step_by_step
from helpers.exercises.checks import NotYet


@pytest.fixture
def exercise(monkeypatch):
    """Register one exercise, 99.9, in a table of its own; returns a function that sets what it does."""
    checks.verdict("")  # imports the real checks into the real table
    monkeypatch.setattr(checks, "CHECKS", {})
    monkeypatch.setattr(lab, "_current", "the lab")

    def register(does):
        checks.CHECKS.clear()
        checks.exercise("99.9")(does)

    return register


def raising(error):
    def does(lab, *answer):
        raise error

    return does


@pytest.mark.parametrize(
    ("does", "line"),
    [
        (lambda lab: f"{lab} is there", "✔ 99.9 the lab is there"),
        (raising(NotYet("it is not there", "make it")), "✗ 99.9 it is not there. Hint: make it."),
        (
            raising(SandboxError("No engine.", "start it")),
            "✗ 99.9 could not be checked. Hint: No engine. Fix: start it",
        ),
        (
            raising(RuntimeError("two\nlines.")),
            "✗ 99.9 could not be checked: two lines. Hint: run ecr-lab doctor.",
        ),
        (raising(KeyError()), "✗ 99.9 could not be checked: KeyError. Hint: run ecr-lab doctor."),
    ],
)
def test_a_check_prints_one_line_for_every_outcome(exercise, capsys, does, line):
    exercise(does)
    assert check("99.9") is None
    assert capsys.readouterr().out == line + "\n"
    assert checks.verdict("99.9") == (line[0] == "✔", line)


def test_the_hint_disappears_after_success(exercise, capsys):
    outcomes = iter([raising(NotYet("it is not there", "make it")), lambda lab: "it is there"])
    exercise(lambda lab: next(outcomes)(lab))
    check("99.9")
    check("99.9")
    failed, done = capsys.readouterr().out.splitlines()
    assert "Hint: make it" in failed
    assert done == "✔ 99.9 it is there"


def test_an_unknown_exercise_lists_the_exercises(exercise, capsys):
    exercise(lambda lab: "x")
    check("1")
    assert capsys.readouterr().out == "✗ 1 is not an exercise. Hint: the exercises are 99.9.\n"


def test_a_check_before_connect_explains_what_to_do(capsys):
    check("08.1")
    assert capsys.readouterr().out == (
        "✗ 08.1 could not be checked. Hint: This notebook is not connected yet. "
        "Fix: run its first cell, the one with connect()\n"
    )


def test_an_answer_is_passed_to_the_check_even_if_it_is_zero(exercise):
    exercise(lambda lab, answer: f"was {answer}")
    assert checks.verdict("99.9", 0)[1] == "✔ 99.9 was 0"


def test_a_second_check_of_an_exercise_is_refused(exercise):
    exercise(lambda lab: "x")
    with pytest.raises(ValueError, match=r"99\.9 has a check already"):
        checks.exercise("99.9")(lambda lab: "y")


def test_each_check_has_a_docstring():
    checks.verdict("")
    assert len(checks.CHECKS) > 30
    assert all(function.__doc__ for function in checks.CHECKS.values())


# Reading manifests ---


class Ecr:
    def __init__(self, *manifests):
        self.manifests, self.requested = list(manifests), []

    def client(self):
        return self

    def batch_get_image(self, repositoryName, imageIds):
        self.requested += imageIds
        return {"images": [{"imageManifest": json.dumps(m)} for m in self.manifests[:1] if self.manifests.pop(0)]}


IMAGE = {"layers": [{"digest": "sha256:a"}, {"digest": "sha256:b"}]}


def test_layers_of_an_image():
    assert lookup.layers(Ecr(IMAGE), "r", "v1") == ["sha256:a", "sha256:b"]


def test_layers_of_an_image_with_attestations():
    index = {
        "manifests": [
            {"digest": "sha256:no", "platform": {"os": "unknown"}},
            {"digest": "sha256:yes", "platform": {"os": "linux"}},
        ]
    }
    ecr = Ecr(index, IMAGE)
    assert lookup.layers(ecr, "r", "v1") == ["sha256:a", "sha256:b"]
    assert ecr.requested[-1] == {"imageDigest": "sha256:yes"}


def test_layers_of_a_missing_image_raise_notyet():
    with pytest.raises(NotYet, match="v1 is not in r yet"):
        lookup.layers(Ecr(), "r", "v1")


def test_an_image_that_shares_no_layers_is_not_accepted_as_v2(monkeypatch):
    monkeypatch.setattr(lab, "_current", "the lab")
    monkeypatch.setattr(part2_step_by_step, "image", lambda _lab, _name, tag: {"imageDigest": tag})
    monkeypatch.setattr(part2_step_by_step, "layers", lambda _lab, _name, tag: [f"sha256:{tag}"])
    assert checks.verdict("08.2")[1] == (
        "✗ 08.2 v2 shares no layer with v1. Hint: build it from the same Dockerfile and base image."
    )
