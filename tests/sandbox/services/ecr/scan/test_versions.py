"""Which version is newer, by the rules of each ecosystem."""

import contextlib
import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.scan.limits import LONGEST_VERSION
from ecr_sandbox.services.ecr.scan.versions import key

# In each line every version is older than the next. Those for apk are from its test/version.data or from its code.
ASCENDING = {
    "Debian:12": [
        ["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0-2", "1.1-1", "1:0.1-1"],
        ["3.0.17-1~deb12u2", "3.0.20-1~deb12u2", "3.0.22-1~deb12u1", "3.0.22-1~deb12u2", "3.0.22-1"],
        ["1~~", "1~~a", "1~", "1", "1a", "1+", "1.", "1.1"],
        ["0~~", "0~", "0", "0a", "0.1"],
        ["1-0~", "1", "1-0a"],
        ["5.2.15-2", "5.2.15-2+b1", "5.2.15-2+b13"],
    ],
    "Alpine:v3.20": [
        [
            "0.1.0_alpha",
            "0.1.0_alpha2",
            "0.1.0_beta",
            "0.1.0_pre",
            "0.1.0_rc1",
            "0.1.0",
            "0.1.0_git2",
            "0.1.0_p1",
            "0.1.1",
        ],
        ["1.36.1-r2", "1.36.1-r5", "1.36.1-r16", "1.36.2-r0"],
        ["0.00", "0.001", "0.0", "0.0.2", "0.01", "0.02", "0.1"],
        ["1.02", "1.1", "1.2", "1.2a", "1.2b", "1.2.1", "1.10"],
        ["3.1.4_alpha1-r1", "3.1.4-r0", "3.1.4-r1"],
    ],
    "PyPI": [["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.10", "1!0.1"], ["3.1.2", "3.1.3", "3.1.10"]],
    "npm": [
        ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]
    ],
}
SAME = [
    ("Debian:12", "1.0", "1.0-0"),
    ("Debian:12", "0:1.0-1", "1.0-1"),
    ("Debian:12", "1.01-1", "1.1-1"),
    ("PyPI", "1.0", "1.0.0"),
    ("npm", "1.2.3+build.5", "v1.2.3"),
    ("Alpine:v3.20", "1.2-r0", "1.2-r0"),
]


@pytest.mark.parametrize(("ecosystem", "lines"), ASCENDING.items())
def test_each_is_older_than_the_next(ecosystem, lines):
    for line in lines:
        for older, newer in pairwise(line):
            assert key(ecosystem, older) < key(ecosystem, newer), f"{older} < {newer}"


@pytest.mark.parametrize(("ecosystem", "one", "other"), SAME)
def test_two_spellings_of_a_version_are_equal(ecosystem, one, other):
    assert key(ecosystem, one) == key(ecosystem, other)


@pytest.mark.parametrize(
    ("ecosystem", "version"),
    [
        ("Debian:12", ""),
        ("Debian:12", "a:1"),
        ("Alpine:v3.20", "1.2_what1"),
        ("Alpine:v3.20", "latest"),
        ("npm", "1.2"),
        ("PyPI", "git+main"),
        ("Fedora:41", "1.0"),
    ],
)
def test_an_invalid_version_raises_value_error(ecosystem, version):
    with pytest.raises(ValueError):
        key(ecosystem, version)


PIECES = st.text("0129.+~azAZ", max_size=5)
DEBIAN = st.builds(
    lambda epoch, first, upstream, revision: f"{epoch}{first}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]),
    st.integers(0, 20),
    PIECES,
    st.one_of(st.just(""), st.text("0129.+~azAZ", min_size=1, max_size=4).map("-{}".format)),
)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="needs dpkg")
@given(DEBIAN, DEBIAN)
def test_the_order_is_the_same_as_dpkgs(one, other):
    for sign, ours in (
        ("lt", key("Debian:12", one) < key("Debian:12", other)),
        ("eq", key("Debian:12", one) == key("Debian:12", other)),
    ):
        by_dpkg = subprocess.run(["dpkg", "--compare-versions", one, sign, other]).returncode == 0
        assert ours == by_dpkg, f"{one} {sign} {other}"


@given(st.sampled_from(sorted(ASCENDING)), st.text(max_size=20))
def test_any_text_has_a_sort_key_or_raises_value_error(ecosystem, text):
    with contextlib.suppress(ValueError):
        assert key(ecosystem, text) == key(ecosystem, text)


@pytest.mark.parametrize("ecosystem", ASCENDING)
def test_a_very_long_version_is_not_compared(ecosystem):
    """The limit is ours. Comparing a version of 30 MB took minutes."""
    assert key(ecosystem, "1.0.0")
    with pytest.raises(ValueError, match="too long"):
        key(ecosystem, "1.0." + "0" * LONGEST_VERSION)
