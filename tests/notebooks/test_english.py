"""The notebooks are written in plain English; the documents avoid the same words and long sentences."""

import nbformat
import pytest

from tests.notebooks import course, english

every_notebook = pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
THIRTY = "one two three four five six seven eight nine ten " * 3


@every_notebook
def test_a_notebook_keeps_the_rules_of_plain_english(path):
    assert english.findings(path) == []


@every_notebook
def test_a_notebook_reads_like_plain_english(path):
    assert english.ease(english.text_of(path)) >= english.EASE


@pytest.mark.parametrize(
    ("sentence", "written_instead"),
    [
        ("The mend is a new tag.", "fix"),
        ("A build server shall push.", "must"),
        ("The next step is to push.", "must"),
        ("The door to the registry", "the API"),
        ("Whoever has the token can pull.", "anyone who"),
        ("Who may push is in 03.", "say the subject"),
        ("Between them lies a proxy.", "is"),
        ("The address stands in the URI.", "is"),
        ("The message tells you the Region.", "shows"),
        ("The server goes on.", "continues"),
        ("The sandbox has not that field.", "does not have"),
        ("That the sandbox has not.", "does not have"),
        ("It expires by itself.", "automatically"),
        ("It answers at once.", "immediately"),
        ("One beside the other", "next to"),
        ("NAT is dear.", "expensive"),
        ("There is no fault in it.", "error"),
        ("You just push.", "leave it out"),
    ],
)
def test_a_banned_word_is_found(sentence, written_instead):
    (found,) = english.banned(sentence)
    assert written_instead in found.split(" → ")[1]


@pytest.mark.parametrize(
    "sentence",
    [
        "Amend the last commit.",
        "The token has not expired.",
        "ECR stands for Elastic Container Registry.",
        "Ten clients push, all at once.",
        "The command by itself prints nothing.",
        "The flag tells Docker which platform you want.",
        "Who can pull the image?",
        "Besides, the default costs nothing.",
        "Go on to the next notebook.",
        "The repository is to the left.",
    ],
)
def test_a_plain_meaning_is_not_found(sentence):
    assert english.banned(sentence) == []


def test_a_long_sentence_is_found_and_thirty_words_are_not():
    assert english.problems(THIRTY) == []
    assert english.problems(f"{THIRTY} eleven") == ["31 words, 30 at most"]


@pytest.mark.parametrize(
    ("markdown", "sentences"),
    [
        (
            "# A heading\n\nOne two,\nthree `four`. `aws s3` says **yes.** And",
            ["A heading", "One two, three Code.", "Code says yes.", "And"],
        ),
        ("- one two\n- [three](a.ipynb)\n\n```bash\nnot read\n```", ["one two", "three"]),
        ("| a | two words |\n|---|---|\n| 1 \\| x | b |", ["a", "two words", "1 \\| x", "b"]),
        (
            "<details><summary>Which?<br>&emsp;<b>(a)</b> this</summary>\n\n- (a) No.</details>",
            ["Which?", "(a) this", "(a) No."],
        ),
        ("One.\n\n    docker push x\n    docker pull x\n\nTwo.", ["One.", "Two."]),
        ("Use a tag, e.g. `v1`. ![An alt text.](a.svg)", ["Use a tag, e.g. Code."]),
    ],
)
def test_sentences_are_split_correctly(markdown, sentences):
    assert english.sentences(markdown) == sentences


def test_brackets_are_those_of_prose():
    assert english.brackets("One (1), two (2). `f(x)` [a](b.md) (a) ![alt (x)](a.svg)\n\n```\nf(x)\n```") == 2


def test_brackets_and_comments_of_a_cell_are_checked(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("One (1), two (2) and three (3)."),
        nbformat.v4.new_code_cell('# mend the tag\nprint("the door is open")'),
    ]
    path = tmp_path / "04.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    problems = [finding.problem.split(" → ")[0] for finding in english.findings(path)]
    assert problems == ["3 brackets, 2 at most", "“mend”", "“door”"]


def test_code_links_and_numbers_do_not_change_the_reading_ease():
    plain = "You push the Code now. The tag is two."
    same = "You push the `repositories/organizational` now.\n\nThe [tag](https://a.b/availability) is 1,234.5."
    assert english.ease(same) == english.ease(plain)
    assert (
        english.ease("Organizational availability necessitates administrative authorization.") < 0 < english.ease(plain)
    )
