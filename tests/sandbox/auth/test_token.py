"""The registry password: signed, not stored, valid for twelve hours."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.auth.token import LIFETIME, Caller, ExpiredToken, InvalidToken, Tokens

ME = Caller("AKIAIOSFODNN7EXAMPLE", "123456789012", "us-east-1")


def at(monkeypatch, seconds):
    monkeypatch.setattr(time, "time", lambda: seconds)


def test_a_password_is_valid_after_a_restart(tmp_path):
    password, expires = Tokens(tmp_path / "secret").mint(ME)
    assert Tokens(tmp_path / "secret").read(password) == ME
    assert abs(expires - time.time() - LIFETIME) < 60


def test_a_password_expires_after_twelve_hours(tmp_path, monkeypatch):
    tokens = Tokens(tmp_path / "secret")
    at(monkeypatch, 1_800_000_000)
    password, expires = tokens.mint(ME)
    assert expires == 1_800_000_000 + 12 * 3600
    at(monkeypatch, expires)
    assert tokens.read(password) == ME
    at(monkeypatch, expires + 1)
    with pytest.raises(ExpiredToken):
        tokens.read(password)


def test_a_password_of_another_registry_is_invalid(tmp_path):
    password, _ = Tokens(tmp_path / "theirs").mint(ME)
    with pytest.raises(InvalidToken):
        Tokens(tmp_path / "ours").read(password)


@given(st.text(max_size=300))
def test_random_text_is_no_password(tmp_path_factory, text):
    with pytest.raises(InvalidToken):
        Tokens(tmp_path_factory.getbasetemp() / "secret").read(text)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_changed_password_is_refused(tmp_path_factory, place, character):
    tokens = Tokens(tmp_path_factory.getbasetemp() / "secret")
    password, _ = tokens.mint(ME)
    place %= len(password) - 1  # the last character of base64 carries bits that do not count
    changed = password[:place] + character + password[place + 1 :]
    if changed != password:
        with pytest.raises(InvalidToken):
            tokens.read(changed)
