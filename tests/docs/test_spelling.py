"""Every word of the documents and notebooks is in the dictionary or in words.txt."""

from tests.docs import spelling, written


def test_every_word_is_spelled_correctly():
    found = spelling.unknown(written.texts())
    assert not found, f"correct it, format it as code or add it to words.txt: {found}"


def test_words_txt_is_sorted_and_has_no_dictionary_words():
    assert spelling.own() == sorted(set(spelling.own()))
    assert spelling.dictionary().known(spelling.own()) == set()


def test_a_typo_is_found_and_code_is_ignored():
    text = "A repositery holds images, `docker ps` and `aws ecr`: see [the page](https://example.com/repositry).\n"
    text += "After [a link](https://example.com/), a regestry (two).\n"
    assert spelling.unknown([("here", text)]) == {"repositery": {"here"}, "regestry": {"here"}}


def test_names_and_suffixes_are_accepted():
    text = "JupyterLab, AWS’s CLI, doesn't, the image's, read-only, v1, 64 MB, <code>docker-credential-x</code>"
    assert spelling.unknown([("here", text)]) == {}
