"""The keys with which the console acts as a user."""

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.iam import console_keys


def test_a_key_has_the_form_of_a_temporary_one_and_is_the_same_each_time():
    assert console_keys.access_key("AIDA1234567890ABCDEFG") == "ASIA234567890ABCDEFG"
    assert console_keys.secret_and_token("AIDA1") == console_keys.secret_and_token("AIDA1")


def test_every_user_has_another_secret_and_a_token_that_is_not_the_secret():
    (secret, token), (other, _) = map(console_keys.secret_and_token, ("AIDA1", "AIDA2"))
    assert len({secret, token, other}) == 3


@pytest.mark.parametrize("has_token", [False, True])
def test_a_guessed_secret_or_token_is_refused(sandbox, has_token):
    """The access key's ID is no secret: it is in a user's unique id."""
    user_id = sandbox.client("iam").get_user(UserName="administrator")["User"]["UserId"]
    secret, token = console_keys.secret_and_token(user_id)  # of this process, not of the sandbox's
    key = [console_keys.access_key(user_id), secret, *([token] if has_token else [])]
    with pytest.raises(ClientError, match="The security token included in the request is invalid"):
        sandbox.client(key=key).describe_repositories()
