"""The console in a real browser."""

import json
import os
import re
import uuid
from pathlib import Path

import pytest

from tests.sandbox.console import filled
from tests.sandbox.console.filled import path
from tests.sandbox.pusher import Pusher

LIST = filled.LIST


def copied(page, button) -> str:
    """What a copy button puts into the clipboard."""
    button.click()
    return page.evaluate("navigator.clipboard.readText()")


EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
OF_LOOKS = {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]}


def violations(page, rules=EVERY_RULE) -> list[str]:
    """What axe finds on the page with these of its *rules*."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


def fits(page, width: int) -> bool:
    """Whether nothing of the page is beyond the right edge of a window of this *width*."""
    page.set_viewport_size({"width": width, "height": 800})
    return page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_create_repository_to_the_image_without_reload(open_browser, sandbox, tmp_path):
    """The eight steps of the course's source text, in its words: a browser and a terminal, and nothing else."""
    name = f"demo-app-{uuid.uuid4().hex[:8]}"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    page = open_browser()
    # 1. Open the console, and choose Create repository.
    page.goto("")
    page.get_by_role("link", name="Create repository").click()
    page.get_by_role("link", name="Show those of before 2024").click()
    # 2. Visibility: Private; a unique name.
    assert page.get_by_role("radio", name="Private").is_checked()
    page.get_by_label("Repository name").fill(name)
    page.get_by_text(f"aws ecr create-repository --repository-name {name}").first.wait_for()
    # 3. Tag immutability, and scan on push.
    page.get_by_label("Tag immutability").check()
    page.get_by_label("Scan on push").check()
    # 4. Create repository.
    page.get_by_role("button", name="Create repository").click()
    page.get_by_text(f"Successfully created repository {name}.").wait_for()
    # 5. View push commands.
    page.get_by_role("radio", name=f"Choose {name}").check()
    page.get_by_role("button", name="View push commands").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name=f"Push commands for {name}").wait_for()
    commands = [
        copied(page, dialog.get_by_role("button", name=f"Copy step {number}", exact=True)) for number in range(1, 5)
    ]
    dialog.get_by_role("link", name="Close").click()
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_text("No images.").wait_for()
    # 6. to 8. Log in, build, tag and push in a terminal; the image appears.
    login, build, tag, push = commands
    sandbox.run(f"cd {tmp_path} && {login} && DOCKER_BUILDKIT=0 {build} && {tag} && {push}")
    page.get_by_role("link", name="latest").wait_for()
    sandbox.run(f"docker rmi {name}:latest {sandbox.registry}/{name}:latest")
    made = sandbox.client().describe_repositories(repositoryNames=[name])["repositories"][0]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}


def test_the_dialog_has_tabs_for_the_keyboard(open_browser, repository):
    page = open_browser()
    page.goto(path(repository))
    page.get_by_role("link", name="View push commands").focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="macOS / Linux").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Get-ECRLoginCommand").wait_for()
    assert not page.get_by_text("get-login-password").first.is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def test_a_repository_is_deleted_with_the_keyboard(open_browser, repository):
    page = open_browser()
    page.goto(f"{LIST}?search={repository}")
    assert page.get_by_role("button", name="Delete").is_disabled()
    page.get_by_role("radio", name=f"Choose {repository}").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    page.get_by_label("To confirm deletion").fill("delete")
    page.keyboard.press("Enter")
    page.get_by_text(f"Successfully deleted repository {repository}.").wait_for()


def test_what_another_client_does_appears_and_a_choice_stays(open_browser, sandbox, repository):
    page = open_browser()
    page.goto(LIST)
    page.get_by_role("radio", name=f"Choose {repository}").check()
    other, ecr = f"other-{uuid.uuid4().hex[:8]}", sandbox.client()
    ecr.create_repository(repositoryName=other)
    page.get_by_role("link", name=other).wait_for()
    assert page.get_by_role("radio", name=f"Choose {repository}").is_checked()
    assert page.get_by_role("button", name="Delete").is_enabled()
    ecr.delete_repository(repositoryName=other)
    page.get_by_role("link", name=other).wait_for(state="detached")


def test_a_long_list_is_there_before_the_status_of_each_scan(open_browser, sandbox, repository):
    pusher, ecr = Pusher(sandbox), sandbox.client()
    first = pusher.manifest(repository, pusher.push(repository, [b"content"], "v0").digest)
    for number in range(1, 12):
        text = json.dumps({**first, "annotations": {"number": f"{number}"}})
        ecr.put_image(repositoryName=repository, imageManifest=text, imageTag=f"v{number}")
    page = open_browser()
    page.goto(path(repository))
    page.locator("[id^=scan-]", has_text="-").nth(11).wait_for()
    assert page.locator("[id^=scan-]", has_text="…").count() == 0


def test_search_while_writing(open_browser, repository):
    page = open_browser()
    page.goto(LIST)
    page.get_by_role("searchbox").fill("nothing-like-this")
    page.get_by_text("No repository matches").wait_for()
    page.get_by_role("searchbox").fill(repository)
    page.get_by_role("link", name=repository).wait_for()


def test_the_name_is_checked_while_writing(open_browser):
    page = open_browser()
    page.goto("ecr/create-repository")
    page.get_by_label("Repository name").press_sequentially("Demo", delay=20)
    page.get_by_text("The name contains 'D'").wait_for()
    page.get_by_label("Repository name").fill("demo")
    page.get_by_text("4 out of 256 characters maximum").wait_for()
    page.get_by_role("radio", name="Immutable").check()
    page.get_by_text("--image-tag-mutability IMMUTABLE").wait_for()
    page.get_by_text("Immutable tag exclusions").wait_for()


def test_filters_are_added_one_by_one(open_browser):
    page = open_browser()
    page.goto("ecr/create-repository")
    for _ in range(4):
        page.get_by_role("button", name="Add filter").click()
    assert page.get_by_label(re.compile("^Filter [1-5]")).count() == 5
    assert page.get_by_role("button", name="Add filter").is_disabled()


def test_two_users_at_the_same_time(open_browser, sandbox, person, repository):
    """Each browser has its user; a permission that one gives lets the other in."""
    administrator, other = open_browser(), open_browser()
    administrator.goto(LIST)
    other.goto("switch-user")
    other.get_by_label("User or role").select_option(person.arn)
    other.get_by_role("button", name="Switch").click()
    other.get_by_text("is not authorized to perform: ecr:DescribeRepositories").wait_for()
    administrator.get_by_role("link", name=repository).wait_for()
    person.may({"Action": "ecr:DescribeRepositories", "Resource": "*"})
    other.reload()
    other.get_by_role("link", name=repository).wait_for()
    other.get_by_role("link", name=repository).click()
    other.get_by_text("is not authorized to perform: ecr:DescribeImages").wait_for()


def test_an_error_in_a_dialog(open_browser, person, repository):
    person.may({"Action": "ecr:DescribeRepositories", "Resource": "*"})
    page = open_browser()
    page.goto("switch-user")
    page.get_by_label("User or role").select_option(person.arn)
    page.get_by_role("button", name="Switch").click()
    page.get_by_role("radio", name=f"Choose {repository}").check()
    page.route("**/changes", lambda route: route.abort())
    person.may({"Action": "ecr:DescribeImages", "Resource": "*"})
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_text("is not authorized to perform: ecr:DescribeRepositories").wait_for()


def test_a_sandbox_that_stops_and_starts_again(chromium, own_sandbox):
    """A page says that it is not current, and is current again without a reload."""
    own_sandbox.start()
    context = chromium.new_context(base_url=f"{own_sandbox.url}/console/")
    page = context.new_page()
    page.goto(LIST)
    page.get_by_text("No repositories.").wait_for()
    own_sandbox.stop()
    page.get_by_role("alert").get_by_text("The sandbox does not answer").wait_for()
    own_sandbox.start()
    own_sandbox.client().create_repository(repositoryName="made-meanwhile")
    page.get_by_role("link", name="made-meanwhile").wait_for()
    page.get_by_role("alert").wait_for(state="hidden")
    own_sandbox.stop()
    page.get_by_role("searchbox").fill("made")
    page.get_by_role("alert").get_by_text("No connection").wait_for()
    context.close()


def test_labels_with_markup_run_nothing(open_browser, sandbox, repository):
    pusher = Pusher(sandbox)
    markup = "<img src=x onerror='document.title=1'><script>document.title=1</script>"
    config = json.dumps({"config": {"Labels": {markup: markup}}}).encode()
    layer = os.urandom(100)
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": pusher.send(repository, config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": pusher.send(repository, layer),
                "size": 100,
            }
        ],
        "annotations": {markup: markup},
    }
    status, headers, _ = pusher.ask("PUT", f"/v2/{repository}/manifests/v1", json.dumps(manifest).encode(), kind)
    assert status == 201
    page = open_browser()
    page.goto(f"{path(repository)}/_/image/{headers['Docker-Content-Digest']}/manifest")
    assert page.get_by_text("onerror").count()
    assert page.title() == f"Manifest in {repository} | ECR sandbox console"


@pytest.fixture(scope="module")
def addresses(sandbox) -> list[str]:
    """One of each page, with something on it."""
    return filled.addresses(filled.fill(sandbox))


def test_every_page_is_accessible_and_fits(open_browser, addresses):
    """Wide and light by all rules of axe; narrow and dark, the same page by those that depend on it."""
    page = open_browser(color_scheme="light", reduced_motion="reduce")
    for address in addresses:
        page.emulate_media(color_scheme="light")
        page.goto(address)
        assert fits(page, 1400), address
        assert violations(page) == [], address
        page.emulate_media(color_scheme="dark")
        assert fits(page, 360), address
        assert violations(page, OF_LOOKS) == [], address
        assert page.get_by_text("It is not AWS.").is_visible()
        assert re.search("AWS|sandbox only", page.locator("footer").inner_text()), address


def test_an_open_dialog_is_accessible(open_browser, repository):
    page = open_browser()
    page.goto(path(repository))
    page.get_by_role("link", name="View push commands").click()
    page.get_by_role("tab", name="Windows").click()
    assert violations(page) == []


def test_every_page_is_tested_here(addresses):
    """A new page needs an address above."""
    from ecr_sandbox.console.pages import PATHS

    forms = {"/", "/ecr/create-repository/check"}
    known = [
        re.compile(re.sub(r"<[^>]+>", "[^?]+", each))
        for each in {*PATHS} - forms
        if not each.endswith(("/scan", "/scans", "/storage"))
    ]
    shown = [f"/{address.partition('?')[0]}" for address in addresses]
    assert [each.pattern for each in known if not any(each.fullmatch(address) for address in shown)] == []


def test_the_console_works_in_a_frame_of_jupyterlab_only(open_browser, sandbox, tmp_path: Path):
    page = open_browser()
    answer = page.goto(LIST)
    assert "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*" in answer.headers["content-security-policy"]


def test_a_form_shows_the_settings_of_now_until_the_user_writes_in_it(open_browser, sandbox, repository):
    page, asked = open_browser(), []
    page.goto(f"{path(repository)}/_/edit")
    ecr = sandbox.client()
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    page.get_by_role("radio", name="Immutable", checked=True).wait_for()
    page.get_by_label("Filter 1").fill("dev-*")
    page.evaluate("document.body.addEventListener('changes', () => { document.body.id = 'changed' })")
    page.on("request", lambda request: asked.append(request.url))
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="MUTABLE")
    page.locator("#changed").wait_for()
    assert [each for each in asked if each.endswith("/edit")] == []
    assert page.get_by_label("Filter 1").input_value() == "dev-*"
