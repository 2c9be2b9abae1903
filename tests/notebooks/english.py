"""Plain English, as far as a program can judge it.

``python -m tests.notebooks.english [NN… | FILE…]`` prints each finding of these notebooks or Markdown files with its
place and its sentence, and the reading ease. The rules: no word of word_list.toml, no sentence over 30 words, at most
two brackets in a cell, and a Flesch reading ease of at least 60 for a notebook.
"""

import ast
import html
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import textstat

from tests.notebooks import course

LONGEST = 30  # words in a sentence
BRACKETS = 2  # in a cell
EASE = 60  # Flesch reading ease: "plain English" begins here
WORD_LIST = Path(__file__).with_name("word_list.toml")
PART = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*>|#]|\d+\.) )|<br>|</?summary>|</?details>|</?li>|</?p>|<!--.*?-->")
SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)[*_)”\"’]*\s+(?=[*_(“\"‘]*[A-Z0-9])")


class Finding(NamedTuple):
    """A place, what is wrong there, and the sentence."""

    where: str
    problem: str
    sentence: str


def main(arguments: list[str]) -> int:
    """Print the findings and the reading ease; 1 if a rule is broken."""
    broken = 0
    for path in course.named(arguments):
        found = findings(path)
        for finding in found:
            print(f"{path.name} {finding.where}: {finding.problem}\n    {finding.sentence}")
        value = ease(text_of(path))
        print(f"{path.name}: {len(found)} findings, reading ease {value:.1f} (at least {EASE})")
        broken += bool(found) or (path.suffix == ".ipynb" and value < EASE)
    return int(broken > 0)


def findings(path: Path) -> list[Finding]:
    """Every finding in the prose of a notebook or Markdown file, and in the comments and texts of its code cells."""
    found = []
    for where, markdown in passages(path):
        count = brackets(markdown)
        if path.suffix == ".ipynb" and count > BRACKETS:
            found.append(Finding(where, f"{count} brackets, {BRACKETS} at most", readable(markdown)[:100]))
        for sentence in sentences(markdown):
            found += [Finding(where, problem, sentence) for problem in problems(sentence)]
    for where, text in code_texts(path):
        found += [Finding(where, problem, text) for problem in banned(text)]
    return found


def problems(sentence: str) -> list[str]:
    """What is wrong with a sentence: its length and its words."""
    length = words(sentence)
    return ([f"{length} words, {LONGEST} at most"] if length > LONGEST else []) + banned(sentence)


def banned(sentence: str) -> list[str]:
    """The banned words of a sentence, each with what to write instead."""
    found = []
    for rule in rules():
        for match in rule["find"].finditer(sentence):
            if not any(plain.search(sentence) for plain in rule["unless"]):
                found.append(f"“{match[0].strip()}” → {rule['write']}")
    return found


@cache
def rules() -> list[dict]:
    """The rules of word_list.toml, compiled."""
    return [
        {
            "find": re.compile(rf"\b(?:{rule['find']})\b", re.IGNORECASE),
            "write": rule["write"],
            "unless": [re.compile(plain, re.IGNORECASE) for plain in rule.get("unless", [])],
        }
        for rule in tomllib.loads(WORD_LIST.read_text())["word"]
    ]


def passages(path: Path) -> Iterator[tuple[str, str]]:
    """``(place, markdown)``: each Markdown cell of a notebook, each block of a Markdown file."""
    if path.suffix == ".ipynb":
        for number, cell in enumerate(course.read(path).cells, 1):
            if cell.cell_type == "markdown":
                yield f"cell {number} ({cell.get('id', '')})", cell.source
        return
    line = 1
    for block in re.split(r"(\n\s*\n)", _without_fences(path.read_text())):
        yield f"line {line}", block
        line += block.count("\n")


def code_texts(path: Path) -> Iterator[tuple[str, str]]:
    """``(place, text)`` of the comments and of the texts with several words in a notebook's code cells."""
    if path.suffix != ".ipynb":
        return
    for number, cell in enumerate(course.read(path).cells, 1):
        if cell.cell_type == "code":
            where = f"cell {number} ({cell.get('id', '')})"
            for comment in re.findall(r"(?:^|\s)# (.+)", cell.source):
                yield where, comment
            for text in _strings(cell.source):
                yield where, text


def _strings(source: str) -> Iterator[str]:
    try:
        tree = ast.parse("" if source.startswith("%%") else source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.value


def text_of(path: Path) -> str:
    """All prose of a notebook or Markdown file."""
    return "\n\n".join(markdown for _, markdown in passages(path))


def brackets(markdown: str) -> int:
    """How many opening parentheses the prose has, without the letters of answers such as ``(a)``."""
    return len(re.findall(r"\((?![a-e]\))", readable(markdown)))


def sentences(markdown: str) -> list[str]:
    """The sentences of a text; headings, list items and cells of tables are sentences too. Code blocks are left out."""
    found = []
    for part in PART.split(_without_fences(markdown)):
        cells = re.split(r"(?<!\\)\|", part) if part.lstrip().startswith("|") else [part]
        for cell in cells:
            found += SENTENCE.split(readable(cell))
    return [sentence for sentence in found if words(sentence)]


def readable(markdown: str) -> str:
    """*markdown* as it is read, on one line: code spans become the word Code, addresses and markup disappear."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", _without_fences(markdown))
    text = re.sub(r"`[^`]+`|<code>.*?</code>", "Code", text, flags=re.DOTALL)
    text = re.sub(r"https?://\S+", "Code", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))
    text = html.unescape(re.sub(r"<!--.*?-->|</?\w[^>]*>", " ", text, flags=re.DOTALL))
    text = re.sub(r"(?m)^\s*(?:[-*>]|#+|\d+\.) ", "", text)
    return " ".join(re.sub(r"\*+|(?<!\w)_|_(?!\w)", "", text).split())


def words(sentence: str) -> int:
    """How many words a sentence has; a number is no word."""
    return sum(any(map(str.isalpha, word)) for word in sentence.split())


def ease(markdown: str) -> float:
    """The Flesch reading ease of the sentences: 206.8 - 1.015 × words a sentence - 84.6 × syllables a word.

    Headings, tables and what has fewer than three words are left out; code spans and numbers count as one short word.
    """
    prose = re.sub(r"(?m)^\s*(?:#|\||\*\*\d+ minutes).*$", "", markdown)
    kept = [sentence for sentence in sentences(prose) if words(sentence) > 2]
    plain = [re.sub(r"\S*\d\S*", "two", re.sub(r"[.!?]+", "", sentence)) for sentence in kept]
    return textstat.flesch_reading_ease(". ".join(plain) + ".")


def _without_fences(markdown: str) -> str:
    # Fenced and indented blocks of code. The line ends stay, so that a place's line number is right.
    for code in (r"(?ms)^( *)(```+).*?^ *\2", r"(?<=\n\n)(?: {4}[^\n]*(?:\n|$))+"):
        markdown = re.sub(code, lambda block: "\n" * block[0].count("\n"), markdown)
    return markdown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
