"""What the site changes in the text of the documents and notebooks."""

import pytest

THERE = {"README.md", "notebooks/README.md", "notebooks/08_push_the_image.ipynb", "docs/terminal.md"}


@pytest.mark.parametrize(
    ("page", "before", "after"),
    [
        ("README.md", "[08](notebooks/08_push_the_image.ipynb)", "[08](notebooks/08_push_the_image.ipynb)"),
        ("README.md", "[docs/terminal.md](docs/terminal.md)", "[](docs/terminal.md)"),
        ("README.md", "[the license](LICENSE)", "the license"),
        ("docs/terminal.md", "[home](../README.md)", "[home](../index.md)"),
        ("notebooks/08_push_the_image.ipynb", "[list](README.md)", "[list](README.md)"),
        (
            "notebooks/08_push_the_image.ipynb",
            "[8.1](#Exercise-08.1-·-Broken,-now)",
            "[8.1](#exercise-081--broken-now)",
        ),
        ("README.md", "[AWS](https://aws.amazon.com/x#Y)", "[AWS](https://aws.amazon.com/x#Y)"),
        ("README.md", "![A picture](notebooks/img/none.svg)", "![A picture](notebooks/img/none.svg)"),
    ],
)
def test_links(sources, page, before, after):
    assert sources.links(before, page, THERE) == after


def test_the_table_of_terms_becomes_a_glossary(sources):
    index = "# The notebooks\n\nText.\n\n## Glossary\n\n| term | meaning |\n|---|---|\n| **tag** | a name, `v1` |\n"
    rest, glossary = (page.decode() for page in sources.glossary(index.encode()))
    assert "| **tag** |" not in rest
    assert "(glossary.md)" in rest
    assert ":::{glossary}\ntag\n  a name, `v1`\n:::\n" in glossary


def test_files_that_did_not_change_are_not_written_again(sources, tmp_path):
    sources.write(tmp_path)
    page = tmp_path / "notebooks" / "00_start_here.ipynb"
    before = page.stat().st_mtime_ns
    (tmp_path / "notebooks" / "16_removed.ipynb").write_text("{}")
    sources.write(tmp_path)
    assert page.stat().st_mtime_ns == before
    assert not (tmp_path / "notebooks" / "16_removed.ipynb").exists()
