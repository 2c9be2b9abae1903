"""What every page has in common: its user, headers, checks of forms, escaped names, and errors."""

import json
import re
import uuid

import pytest

from tests.sandbox.conftest import Person
from tests.sandbox.console.pages import Console, text

LIST = "/ecr/private-registry/repositories"
MARKUP = "<script>alert(1)</script>"


def test_the_first_page_is_the_list_of_repositories(console):
    assert "Private repositories" in text(console.get(""))
    assert "Private repositories" in text(console.get("/"))


def test_a_page_names_account_region_and_user_and_says_that_it_is_not_aws(console):
    shown = text(console.get(LIST))
    assert "administrator @ 123456789012" in shown
    assert "us-east-1" in shown
    assert "It is not AWS." in shown


def test_a_page_loads_nothing_from_elsewhere_and_has_no_inline_script_or_style(console):
    for path in (LIST, "/ecr/create-repository", "/switch-user"):
        page = console.get(path)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)


def test_the_security_headers(console):
    headers = console.session.get(console.url + LIST).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'self' http://localhost:* http://127.0.0.1:*"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_static_files_have_their_types_and_nothing_else_is_served(console, sandbox):
    for name, kind in (("console.css", "text/css"), ("console.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        answer = console.session.get(f"{console.url}/static/{name}")
        assert answer.headers["Content-Type"].startswith(kind)
    for name in ("../page.py", "%2e%2e%2fpage.py", "%2e%2e", "missing.js"):
        assert sandbox.http("GET", f"/console/static/{name}")[0] == 404


def test_a_page_that_does_not_exist(console):
    assert "no page with this address" in text(console.get("/nowhere", 404))


@pytest.mark.parametrize("token", [None, "", "wrong", "ü"])
def test_a_form_without_the_token_is_refused(console, sandbox, token):
    name = f"test-{uuid.uuid4().hex[:8]}"
    form = {"name": name} | ({"csrf_token": token} if token is not None else {})
    assert console.session.post(f"{console.url}/ecr/create-repository", data=form).status_code == 403
    assert name not in [each["repositoryName"] for each in sandbox.client().describe_repositories()["repositories"]]


def test_a_form_of_another_origin_is_refused_and_a_link_is_followed(sandbox):
    foreign = {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"}
    assert sandbox.http("GET", f"/console{LIST}", **foreign)[0] == 200
    status, _, answer = sandbox.http("POST", f"/console{LIST}", b"", **foreign)
    assert status == 403 and b"does not answer web pages of another origin" in answer
    assert sandbox.http("GET", f"/console{LIST}", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors")[0] == 403
    assert sandbox.http("GET", "/consoles", **foreign)[0] == 403


def test_other_methods_are_refused(sandbox):
    assert sandbox.http("DELETE", f"/console{LIST}")[0] == 405


@pytest.mark.parametrize("path", [LIST, "/ecr/create-repository", "/ecr/delete-repository"])
def test_text_of_the_client_is_escaped(console, path):
    page = console.get(path, search=MARKUP, repository=MARKUP, status=400 if "delete" in path else 200)
    assert MARKUP not in page


def test_the_console_acts_as_the_chosen_user(console, sandbox, person: Person, repository):
    console.switch(person.arn)
    shown = text(console.get(LIST, 400))
    assert f"{person.name} @ 123456789012" in shown
    why = "because no identity-based policy allows the ecr:DescribeRepositories action"
    resource = "arn:aws:ecr:us-east-1:123456789012:repository/*"
    said = f"User: {person.arn} is not authorized to perform: ecr:DescribeRepositories on resource: {resource} {why}"
    assert said in shown
    assert said in person.refused("aws ecr describe-repositories")
    person.may({"Action": "ecr:DescribeRepositories", "Resource": "*"})
    assert repository in text(console.get(LIST))
    person.may({"Action": "ecr:DescribeImages", "Resource": "*"})
    assert said in text(console.get(LIST, 400))


def test_two_users_at_the_same_time(sandbox, person, repository):
    administrator, other = Console(sandbox), Console(sandbox)
    other.switch(person.arn)
    assert repository in administrator.get(LIST)
    assert repository not in other.get(LIST, 400)


def test_the_key_of_the_console_is_not_among_the_users_keys(console, sandbox, person):
    console.switch(person.arn)
    keys = sandbox.client("iam").list_access_keys(UserName=person.name)["AccessKeyMetadata"]
    assert [each["AccessKeyId"] for each in keys] == [person.key[0]]


def test_a_user_who_was_deleted(console, sandbox):
    name, (key, _) = sandbox.make_user()
    iam = sandbox.client("iam")
    arn = iam.get_user(UserName=name)["User"]["Arn"]
    console.switch(arn, "eu-west-1")
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    iam.delete_user(UserName=name)
    assert f"{arn}: The security token included in the request is invalid." in text(console.get(LIST, 403))


def test_an_unknown_user_is_not_chosen(console):
    page = console.post("/switch-user", 400, user="arn:aws:iam::123456789012:user/nobody", region="us-east-1")
    assert "administrator @" in text(page)


def test_a_role_is_assumed_and_its_trust_policy_decides(console, sandbox, repository):
    iam, name = sandbox.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    console.switch(role)
    assert f"assumed-role/{name}/console is not authorized" in text(console.get(LIST, 400))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    assert repository in text(console.get(LIST))


def test_a_role_that_does_not_trust_the_account(console, sandbox):
    name = f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = sandbox.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    page = console.post("/switch-user", 403, user=role, region="us-east-1")
    assert f"is not authorized to perform: sts:AssumeRole on resource: {role}" in text(page)


def test_another_region(console, sandbox, repository):
    console.switch("arn:aws:iam::123456789012:user/administrator", "eu-west-1")
    assert repository not in console.get(LIST)
    assert "eu-west-1" in text(console.get(LIST))


def test_behind_a_proxy_the_addresses_have_its_prefix(sandbox):
    """jupyter-server-proxy sends this header, and the host of the browser."""
    page = Console(sandbox, X_Forwarded_Prefix="/proxy/5050").get(LIST)
    assert 'href="/proxy/5050/console/ecr/create-repository"' in page
    assert not re.search(r'"/console', page)
    answer = Console(sandbox, X_Forwarded_Prefix="/proxy/5050").session.get(
        f"{sandbox.url}/console/", allow_redirects=False
    )
    assert answer.headers["Location"] == "../console/ecr/private-registry/repositories"
    assert "evil" not in Console(sandbox, X_Forwarded_Prefix='//evil.example/"').get(LIST)


def test_a_restart_keeps_the_chosen_user(own_sandbox, tmp_path):
    own_sandbox.start()
    ann = Person(own_sandbox, "ann", tmp_path / "ann")
    console = Console(own_sandbox)
    console.switch(ann.arn)
    own_sandbox.stop()
    own_sandbox.start()
    assert "user/ann is not authorized" in text(console.get(LIST, 400))
