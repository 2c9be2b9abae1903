"""A new access key is used when ECR knows it, and a login is refused only after AWS had time to apply a policy."""

import contextlib
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from helpers import impersonate, waiting


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", seconds.append)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: sum(seconds))
    return seconds


def client(**answers):
    """A client whose calls answer with the next item of their list; an error code is raised."""

    def call(operation, items):
        def answer(**_):
            found = items.pop(0) if len(items) > 1 else items[0]
            if isinstance(found, str):
                raise ClientError({"Error": {"Code": found, "Message": ""}}, operation)
            return found

        return answer

    return SimpleNamespace(
        exceptions=SimpleNamespace(NoSuchEntityException=KeyError),
        **{operation: call(operation, items) for operation, items in answers.items()},
    )


def user(monkeypatch, *answers):
    """A session of a user, on AWS, for whom ECR gives these answers."""
    deleted: list = []
    iam = client(create_access_key=[{"AccessKey": {"AccessKeyId": "AKIA1", "SecretAccessKey": "s"}}])
    iam.delete_access_key = lambda **which: deleted.append(which["AccessKeyId"])
    iam.list_user_tags = lambda **_: {"Tags": [{"Key": "made-by", "Value": "learn-amazon-ecr"}]}
    session = SimpleNamespace(client=lambda _: client(describe_registry=list(answers)))
    monkeypatch.setattr("boto3.Session", lambda *_, **__: session)
    lab = SimpleNamespace(target="aws", region="eu-west-1", client=lambda _: iam)
    return impersonate.as_user(lab, "demo-reader"), deleted


def test_a_new_key_is_waited_for_in_ecr(monkeypatch, slept, capsys):
    ecr = client(describe_registry=["UnrecognizedClientException", "UnrecognizedClientException", {}])
    entered, deleted = user(monkeypatch)
    monkeypatch.setattr("boto3.Session", lambda *_, **__: SimpleNamespace(client=lambda _: ecr))
    with entered:
        assert len(slept) == 2
    assert "the new access key of demo-reader works" in capsys.readouterr().out
    assert deleted == ["AKIA1"]


def test_a_user_who_may_do_nothing_is_known(monkeypatch, slept):
    entered, _ = user(monkeypatch, "AccessDeniedException")
    with entered:
        assert slept == []


def test_a_key_that_is_never_accepted_is_deleted(monkeypatch, slept):
    entered, deleted = user(monkeypatch, "UnrecognizedClientException")
    with pytest.raises(Exception, match="did not apply this within 60 seconds"), entered:
        pass
    assert deleted == ["AKIA1"]


@pytest.mark.parametrize(
    ("answers", "may"),
    [
        (["AccessDeniedException", {"authorizationData": [{"authorizationToken": "x"}]}], True),
        (["AccessDeniedException"], False),
    ],
)
def test_a_policy_that_is_on_its_way_is_waited_for(slept, answers, may):
    lab = SimpleNamespace(target="aws", registry_url="https://registry")
    session = SimpleNamespace(client=lambda _: ecr)
    ecr = client(get_authorization_token=answers)
    with contextlib.redirect_stdout(None):
        assert bool(impersonate.registry_client(lab, session, "demo-app-repo")) == may
    assert 0 < sum(slept) <= impersonate.POLICY_SECONDS + waiting.PAUSE
