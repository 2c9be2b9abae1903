"""Nothing is created without consent: a second question for production, and one before a cell that costs money."""

import json
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from ecr_sandbox import SandboxError
from helpers import aws_account
from helpers.aws_account import consent
from helpers.costs import course

ACCOUNT, REGION = "123456789012", "eu-west-1"
AWS = SimpleNamespace(target="aws", account=ACCOUNT)


@pytest.fixture(autouse=True)
def aws(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(consent, "_agreed", set())
    with mock_aws():
        yield


@pytest.fixture
def asked(monkeypatch):
    """The questions, each answered with the next answer; call it with the answers."""
    questions: list[str] = []

    def answer(*answers):
        left = list(answers)

        def reply(question):
            questions.append(question)
            given = left.pop(0)
            if isinstance(given, type):
                raise given
            return given

        monkeypatch.setattr("builtins.input", reply)
        return questions

    answer()
    return answer


def confirm():
    aws_account.confirm(ACCOUNT, REGION, boto3.Session())


def make_organization(monkeypatch):
    boto3.client("organizations").create_organization(FeatureSet="ALL")


def make_alias(monkeypatch, alias="acme-live"):
    boto3.client("iam").create_account_alias(AccountAlias=alias)


def make_profile(monkeypatch, name="prod-admin"):
    monkeypatch.setattr(boto3.Session, "profile_name", name)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (make_organization, f"  {ACCOUNT} is the management account of an organization."),
        (make_alias, "  The account's alias acme-live is named like one for production."),
        (make_profile, "  The profile prod-admin is named like one for production."),
    ],
)
def test_an_account_that_others_depend_on_is_asked_about_twice(asked, monkeypatch, capsys, state, make, sentence):
    make(monkeypatch)
    questions = asked("yes", "no")
    with pytest.raises(SandboxError, match="Nothing was created: you did not answer yes"):
        confirm()
    assert len(questions) == 2
    assert sentence in capsys.readouterr().out.splitlines()
    assert not (state / consent.FILE).exists()
    asked("yes", "yes")
    confirm()
    assert json.loads((state / consent.FILE).read_text()) == [f"{ACCOUNT}/{REGION}"]


def test_without_a_terminal_production_needs_a_variable_of_its_own(asked, monkeypatch, state):
    make_organization(monkeypatch)
    asked(EOFError)
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM", ACCOUNT)
    with pytest.raises(SandboxError, match=rf"no terminal to ask\. Fix: set ECR_TUTORIAL_CONFIRM_PRODUCTION={ACCOUNT}"):
        confirm()
    assert not (state / consent.FILE).exists()
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM_PRODUCTION", ACCOUNT)
    confirm()


def test_the_variable_for_production_alone_is_no_consent(asked, monkeypatch):
    asked(EOFError)
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM_PRODUCTION", ACCOUNT)
    with pytest.raises(SandboxError, match=rf"Fix: set ECR_TUTORIAL_CONFIRM={ACCOUNT}"):
        confirm()


def test_the_variable_may_name_several_accounts(asked, monkeypatch):
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM", f"999999999999,{ACCOUNT}")
    confirm()
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM", f"{ACCOUNT}0")
    with pytest.raises(SandboxError, match="but these credentials belong to account"):
        aws_account.confirm(ACCOUNT, "eu-west-2", boto3.Session())


@pytest.mark.parametrize(
    ("name", "is_production"),
    [
        ("prod", True),
        ("acme-production", True),
        ("Live", True),
        ("main_account", True),
        ("prod1", True),
        ("default", False),
        ("product-team", False),
        ("delivery", False),
        ("domain", False),
        ("non-relevant", False),
    ],
)
def test_names_for_production(monkeypatch, name, is_production):
    session = SimpleNamespace(profile_name="default", client=boto3.client)
    assert bool(consent.production_reason(session, ACCOUNT, name)) == is_production


def test_what_aws_refuses_is_unknown_and_no_reason(asked, monkeypatch, capsys):
    import botocore.client

    original = botocore.client.BaseClient._make_api_call

    def refuse(client, operation, given):
        if operation in ("DescribeOrganization", "ListAccountAliases", "GetRegistryScanningConfiguration"):
            raise client.exceptions.ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return original(client, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
    questions = asked("yes")
    confirm()
    assert questions == [f"Work in account {ACCOUNT}, region {REGION}? (yes/no) "]


def test_the_alias_is_in_the_question(asked, monkeypatch):
    make_alias(monkeypatch, "playground")
    questions = asked("yes")
    confirm()
    assert questions == [f"Work in account {ACCOUNT} (playground), region {REGION}? (yes/no) "]


def test_an_account_with_enhanced_scans_costs_more(asked, monkeypatch, capsys):
    boto3.client("ecr").put_registry_scanning_configuration(scanType="ENHANCED", rules=[])
    asked("yes")
    confirm()
    shown = capsys.readouterr().out
    scans = course.enhanced_scans()
    assert f"  ${scans.usd:.2f}  {scans.what}\n" in shown
    assert f"cost about ${course.total() + round(scans.usd, 2):.2f}," in shown


# Before a cell


def test_a_cell_that_costs_money_asks_once(asked, capsys):
    questions = asked("yes")
    aws_account.confirm_cost(AWS, "fargate")
    use = course.uses()["fargate"]
    assert capsys.readouterr().out == f"  This costs about ${use.usd:.2f}: {use.what}.\n"
    aws_account.confirm_cost(AWS, "fargate")
    assert (questions, capsys.readouterr().out) == (["Continue? (yes/no) "], "")


def test_without_a_yes_nothing_is_started(asked):
    asked("no", "no")
    for _ in range(2):
        with pytest.raises(SandboxError, match="Nothing was started: you did not answer yes"):
            aws_account.confirm_cost(AWS, "enhanced_scan")


def test_without_a_terminal_the_consent_for_the_account_counts(asked, monkeypatch, capsys):
    asked(EOFError)
    with pytest.raises(SandboxError, match=f"set ECR_TUTORIAL_CONFIRM={ACCOUNT}"):
        aws_account.confirm_cost(AWS, "capstone")
    monkeypatch.setenv("ECR_TUTORIAL_CONFIRM", ACCOUNT)
    aws_account.confirm_cost(AWS, "capstone")
    assert "This costs about $" in capsys.readouterr().out


def test_the_sandbox_neither_asks_nor_prints(asked, capsys):
    aws_account.confirm_cost(SimpleNamespace(target="sandbox", account=ACCOUNT), "fargate")
    assert capsys.readouterr().out == ""
