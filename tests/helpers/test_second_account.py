"""The second account on AWS: only the one that the learner names and confirms; what is wrong with it ends nothing."""

import os

import boto3
import pytest

import helpers
from helpers import ledger, second_account, settings
from helpers.ledger import Entry

ACCOUNT, REGION = settings.ACCOUNT, settings.REGION


@pytest.fixture
def profiles(on_aws, tmp_path):
    """Profiles of the second account, of the same account, and with a key that does not exist."""
    keys = {
        "other-account": (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY),
        "same": (settings.ACCESS_KEY, settings.SECRET_KEY),
        "broken": ("AKIANOSUCHKEY0000000", "secret"),
    }
    text = "".join(
        f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        for name, (key, secret) in keys.items()
    )
    (tmp_path / "credentials").write_text(text)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "credentials")
    return on_aws


def test_a_profile_that_is_not_named_is_not_used(profiles):
    assert second_account.on_aws(ACCOUNT, REGION) is None
    lab = helpers.connect()
    assert (lab.second, lab.second_account()) == (None, None)


def test_the_profile_that_is_named_and_confirmed_is_used(profiles):
    os.environ |= {
        "ECR_TUTORIAL_OTHER_PROFILE": "other-account",
        "ECR_TUTORIAL_CONFIRM": f"{ACCOUNT},{settings.OTHER_ACCOUNT}",
    }
    lab = helpers.connect()
    assert lab.second == ("other-account", settings.OTHER_ACCOUNT)
    identity = lab.second_account().client("sts").get_caller_identity()
    assert identity["Account"] == settings.OTHER_ACCOUNT
    lab.catch_up("03")
    assert Entry(settings.OTHER_ACCOUNT, "", "user", "demo-guest") in ledger.entries()
    lab.second_account().client("iam").create_user(UserName="demo-guest", Tags=[settings.TAG])
    assert lab.clean_up()["iam"] == [f"user in account {settings.OTHER_ACCOUNT} demo-guest"]


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        (
            "other-account",
            f"ECR_TUTORIAL_CONFIRM is {ACCOUNT}, but these credentials belong to account {settings.OTHER_ACCOUNT}. "
            "Fix: use that account's credentials, or confirm this one",
        ),
        ("same", "The profile same is of the same account."),
        ("broken", "AWS does not accept your credentials (InvalidClientTokenId)."),
        ("missing", "The config profile (missing) could not be found."),
    ],
)
def test_what_is_wrong_is_printed_and_ends_nothing(profiles, capsys, profile, sentence):
    os.environ["ECR_TUTORIAL_OTHER_PROFILE"] = profile
    lab = helpers.connect()
    assert f"✗ second account: {sentence}" in capsys.readouterr().out
    assert (lab.target, lab.second) == ("aws", None)
    lab.catch_up("03")
    assert "demo-guest" not in {entry.name for entry in ledger.entries()}


def test_the_sandbox_has_a_second_account(plain):
    assert plain.second_account().client("sts").get_caller_identity()["Account"] == settings.OTHER_ACCOUNT
    assert boto3.client("sts").get_caller_identity()["Account"] == settings.ACCOUNT
