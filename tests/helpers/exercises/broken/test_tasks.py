"""What prepare() draws, keeps and prints, and that every kind is complete."""

import json

import pytest

from ecr_sandbox import SandboxError
from helpers import settings
from helpers.exercises import checks, prepare, solution, state_file
from helpers.exercises.broken import kinds, tasks
from helpers.exercises.broken.kinds import Kind, NotPossible

NUMBER = "99.1"
TEXTS = {"symptom": ["It does not work: {message}"], "hint": ["look"], "explanation": ["it was {what}"]}


@pytest.fixture
def world(plain, monkeypatch):
    """An exercise of four kinds, in which a kind is repaired when its name is in this set."""
    repaired: set[str] = set()
    names = ("a", "b", "c", "never")

    def code(name: str) -> Kind:
        def break_state(_, rng) -> dict[str, str]:
            if name == "never":
                raise NotPossible
            repaired.discard(name)
            return {"message": f"{name}{rng.randrange(1000)}", "what": name}

        return Kind(break_state, lambda *_: "" if name in repaired else f"{name} is broken")

    data = {NUMBER: {"kinds": {name: {**TEXTS, "solution": ["echo {what}"]} for name in names}}}
    monkeypatch.setattr(kinds, "_exercises", lambda: data)
    monkeypatch.setattr(kinds, "code", lambda number, name: code(name))
    monkeypatch.setattr(checks, "CHECKS", {})
    tasks._register(NUMBER)
    return repaired


def printed(capsys) -> str:
    return capsys.readouterr().out.strip()


def prepared(capsys) -> str:
    """The message of the symptom."""
    prepare(NUMBER)
    return printed(capsys).removeprefix("It does not work: ")


def test_a_check_before_prepare_says_so(world, capsys):
    expected = f'✗ {NUMBER} is not prepared yet. Hint: run the cell with prepare("{NUMBER}") first.'
    assert checks.verdict(NUMBER) == (False, expected)
    solution(NUMBER)
    assert printed(capsys) == expected


def test_an_unsolved_task_is_kept_and_broken_again(world, capsys):
    first = prepared(capsys)
    world.add(first[0])
    assert prepared(capsys) == first
    assert checks.verdict(NUMBER) == (False, f"✗ {NUMBER} {first[0]} is broken. Hint: look.")


def test_a_solved_task_explains_itself_and_the_next_is_of_another_kind(world, capsys):
    last = ""
    for _ in range(6):
        name = prepared(capsys)[0]
        assert name != last
        solution(NUMBER)
        assert printed(capsys) == f"echo {name}"
        world.add(name)
        assert checks.verdict(NUMBER) == (True, f"✔ {NUMBER} it was {name}")
        last = name


def test_the_next_is_of_another_kind_after_one_that_is_not_possible(world):
    last = tasks.Task(kind="a", seed="", round=0, facts=None, solved=True)
    assert {tasks.draw(NUMBER, last, {"never"})["kind"] for _ in range(50)} == {"b", "c"}
    assert tasks.draw(NUMBER, last, {"never", "b", "c"})["kind"] == "a"


def test_a_kind_that_is_not_possible_is_never_kept(world, capsys, drawn, monkeypatch):
    real = tasks.draw
    drawn("never")
    first = tasks.draw
    monkeypatch.setattr(tasks, "draw", lambda *given: real(*given) if len(given) == 3 else first(*given))
    assert prepared(capsys)[0] in "abc"
    assert "never" not in (settings.state() / tasks.FILE).read_text()


def test_an_exercise_of_which_nothing_is_possible_ends(world, monkeypatch):
    def refuse(*_):
        raise NotPossible

    monkeypatch.setattr(kinds, "code", lambda number, name: Kind(refuse, lambda *_: ""))
    with pytest.raises(SandboxError, match=r"Nothing can be broken here for 99\.1"):
        prepare(NUMBER)


def test_a_seed_makes_the_choice_repeatable(world, capsys, monkeypatch):
    monkeypatch.setenv(settings.SEED, "0")
    chosen = []
    for _ in range(2):
        state_file.delete_all()
        first = prepared(capsys)
        world.add(first[0])
        checks.verdict(NUMBER)
        chosen.append((first, prepared(capsys)))
    assert chosen[0] == chosen[1]


def test_without_a_seed_the_choices_differ(world, capsys):
    found = set()
    for _ in range(20):
        state_file.delete_all()
        found.add(prepared(capsys))
    assert len(found) > 5


def test_a_task_of_another_account_does_not_count(world, capsys, monkeypatch):
    prepare(NUMBER)
    monkeypatch.setattr(tasks, "_key", lambda lab, number: f"{number} in 444455556666/eu-west-1")
    assert "is not prepared yet" in checks.verdict(NUMBER)[1]


@pytest.mark.parametrize("content", ["", "[]", '{"99.1 in 123456789012/us-east-1": {"kind": "a"}}'])
def test_a_damaged_file_counts_as_none(world, capsys, content):
    (settings.state() / tasks.FILE).write_text(content)
    assert "is not prepared yet" in checks.verdict(NUMBER)[1]
    assert prepared(capsys)
    assert "is broken" in checks.verdict(NUMBER)[1]


def test_a_kind_that_no_longer_exists_is_drawn_anew(world, capsys):
    prepare(NUMBER)
    path = settings.state() / tasks.FILE
    tasks_now = json.loads(path.read_text())
    for task in tasks_now.values():
        task["kind"] = "gone"
    path.write_text(json.dumps(tasks_now))
    assert "is not prepared yet" in checks.verdict(NUMBER)[1]
    assert printed(capsys) and prepared(capsys)[0] in "abc"


def test_an_unknown_exercise_lists_those_that_can_be_prepared(plain):
    with pytest.raises(SandboxError, match=r"name one of 04\.2, 05\.2"):
        prepare("00.1")


@pytest.mark.parametrize("number", kinds.numbers())
def test_each_kind_has_texts_code_a_solution_and_a_wrong_repair(number, wrong_repairs):
    names = kinds.names(number)
    module = kinds.code(number, names[0]).still_wrong.__module__
    assert len(names) >= 3
    assert sorted(wrong_repairs[number]) == names
    assert sorted(__import__(module, fromlist=["KINDS"]).KINDS) == names
    for name in names:
        assert all(kinds.texts(number, name)), name
        assert kinds.texts(number, name).symptom.count("\n") < 3


def test_wrong_repairs_are_complete_and_of_a_kind(wrong_repairs):
    assert sorted(wrong_repairs) == kinds.numbers()
    each = [wrong for of_kind in wrong_repairs.values() for many in of_kind.values() for wrong in many]
    assert all(wrong["expected"] and set(wrong) <= {"answer", "expected", "undo"} for wrong in each)
