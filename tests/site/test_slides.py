"""`make slides`: short slides that show what really ran, notes with minutes, and no file from elsewhere."""

import html
import re

import pytest

from docs.slides import lines as slide_lines
from machine.project import ROOT

pytestmark = pytest.mark.timeout(900)  # the first test installs Sphinx

DECKS = sorted((ROOT / "docs" / "slides").glob("[0-9]*.md"))
by_name = pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
NOTES = re.compile(r"^:::\{revealjs-notes\}\n(.*?)^:::$", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{cell\} (\S+) .*?^```$", re.MULTILINE | re.DOTALL)


def slides_of(path) -> list[str]:
    """The Markdown of each slide."""
    return re.split(r"^(?=##? )", path.read_text(), flags=re.MULTILINE)[1:]


@by_name
def test_a_deck_has_at_most_12_slides_of_30_words(path):
    slides = slides_of(path)
    assert len(slides) <= 12
    for slide in slides:
        text = re.sub(r"!\[.*?\]\(.*?\)|[#*|`>-]", " ", CELL.sub("", NOTES.sub("", slide)))
        assert len(text.split()) <= 30, slide


@by_name
def test_each_slide_has_notes_with_minutes(path):
    for slide in slides_of(path):
        notes = NOTES.findall(slide)
        assert len(notes) == 1, slide
        assert re.match(r"\*\*\d+ minutes?\.\*\*", notes[0]), slide


@by_name
def test_a_deck_has_a_picture_a_cell_a_question_and_an_exercise(path):
    text = path.read_text()
    assert re.search(r"!\[.{20,}\]\(\.\./\.\./notebooks/img/", text)
    assert set(CELL.findall(text)) == {path.stem}
    assert text.count("\n## Question: ") == 1
    assert f"\n## Your turn: exercise {path.stem[:2]}." in text


@by_name
def test_a_deck_opens_offline_and_every_slide_fits(slides, open_page, path):
    opened = open_page(slides / f"{path.stem}.html", width=1280, height=720)
    opened.wait_for_function("window.Reveal?.isReady()")
    assert opened.evaluate("Reveal.hasPlugin('notes')")
    bottoms = opened.evaluate(
        """Array.from({length: Reveal.getTotalSlides()}, (_, number) => {
            Reveal.slide(number);
            const parts = [...Reveal.getCurrentSlide().querySelectorAll('*:not(aside, aside *)')];
            return Math.max(...parts.map((part) => part.offsetTop + part.offsetHeight));
        })"""
    )
    assert len(bottoms) == len(slides_of(path))
    assert [bottom for bottom in bottoms if not 0 < bottom <= 720] == []


def test_every_deck_is_in_the_list(slides):
    listed = re.findall(r'href="(\d\d_\w+)\.html"', (slides / "index.html").read_text())
    assert listed == [path.stem for path in DECKS]


@pytest.mark.parametrize(
    ("deck", "shown"),
    [
        ("00_start_here", "docker build -t demo-app-repo ."),
        ("00_start_here", "Login Succeeded"),
        ("00_start_here", "v1: digest: sha256:"),
        ("00_start_here", "shows: Hello from a container!"),
        ("01_what_is_ecr", "created = ecr.create_repository("),
        ("01_what_is_ecr", "latest, v1\tsha256:"),
        ("01_what_is_ecr", '"config": {'),
        ("01_what_is_ecr", "without a password: 401\nwith it: 200"),
        ("01_what_is_ecr", "1 of 2 layers were uploaded"),
        ("02_ecr_vs_docker_hub", "The repository with name 'demo-compare' does not exist"),
        ("02_ecr_vs_docker_hub", "no basic auth credentials"),
        ("02_ecr_vs_docker_hub", "You have reached your unauthenticated pull rate limit"),
        ("02_ecr_vs_docker_hub", "costs.Needs(members=20, runs_on_aws=True)"),
        ("03_permissions", 'create_user(UserName="demo-builder"'),
        ("03_permissions", 'reads = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage"]'),
        ("03_permissions", "because no identity-based policy allows"),
        ("03_permissions", "while refusal := "),
        ("03_permissions", "layers Pushed before the last refusal: True"),
        ("03_permissions", "FullAccess  PowerUser  yours"),
        ("03_permissions", "aws sts assume-role"),
        ("04_create_a_repository", "no-such-repo   401"),
        ("04_create_a_repository", 'imageTagMutability="IMMUTABLE"'),
        ("04_create_a_repository", "put_registry_scanning_configuration"),
        ("04_create_a_repository", "made-by\tlearn-amazon-ecr"),
        ("05_authenticate_docker", "no basic auth credentials"),
        ("05_authenticate_docker", "4  docker push localhost:5050/demo-app-repo:latest"),
        ("05_authenticate_docker", "user:     AWS"),
        ("05_authenticate_docker", "Login Succeeded"),
        ("05_authenticate_docker", "b'AWS:"),
        ("05_authenticate_docker", "interactive login from a non TTY device"),
        ("06_build_the_image", "built   RUN pip install"),
        ("06_build_the_image", "cached  COPY . .\nimage   sha256:"),
        ("06_build_the_image", "-r requirements.txt\nbuilt   COPY . ."),
        ("06_build_the_image", "cached  RUN pip install"),
        ("06_build_the_image", "PASSWORD=for-the-demo"),
        ("07_tag_the_image", 'names = ["web", "my-team/web"'),
        ("07_tag_the_image", "3 names, 1 image"),
        ("07_tag_the_image", "latest has version dev"),
        ("07_tag_the_image", "No such image: demo-app:v1"),
        ("08_push_the_image", ": Layer already exists"),
        ("08_push_the_image", "v1: digest: sha256:"),
        ("08_push_the_image", "PUT 201 Created\nHEAD 200 OK\n[]"),
        ("08_push_the_image", "The repository with name 'no-such-repo' does not exist"),
        ("09_verify_and_run", "\tACTIVE"),
        ("09_verify_and_run", 'docker pull --quiet "$REPOSITORY_URI@$DIGEST"'),
        ("09_verify_and_run", "while time.monotonic() < end:"),
        ("09_verify_and_run", "the image that ECR has: True"),
        ("09_verify_and_run", "demo-app-repo:v99: not found"),
        ("14_clean_up", "cannot be deleted because it still contains images"),
        ("14_clean_up", "demo-app-repo:v1: not found"),
        ("14_clean_up", "names with the registry's address: 0"),
        ("14_clean_up", "no basic auth credentials"),
        ("14_clean_up", "left: 0"),
    ],
)
def test_a_deck_shows_what_its_notes_talk_about(slides, deck, shown):
    page = html.unescape((slides / f"{deck}.html").read_text())
    assert any(shown in block for block in re.findall(r"<code.*?</code>", page, re.DOTALL))


PUSHES = "folder=$(mktemp -d)\ndocker push one\n  docker push two\nrm -r folder"


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        ("", PUSHES),
        ("docker push t", "  docker push two"),
        ("folder … docker push", "folder=$(mktemp -d)\ndocker push one\n  docker push two"),
        ("folder, rm", "folder=$(mktemp -d)\n…\nrm -r folder"),
    ],
)
def test_a_slide_names_lines_of_a_cell_by_how_they_begin(wanted, lines):
    assert slide_lines.choose_code(PUSHES, wanted) == lines


@pytest.mark.parametrize("wanted", ["docker push", "docker tag", "rm … folder", "folder … docker tag"])
def test_lines_that_a_cell_no_longer_has_are_an_error(wanted):
    with pytest.raises(ValueError, match="must be the beginning of one line"):
        slide_lines.choose_code(PUSHES, wanted)
