"""A module that is deferred is loaded by its first use."""

import subprocess
import sys

import pytest

USE = """
import sys
from ecr_sandbox.deferred_import import defer
defer("xml.dom.minidom")
from xml.dom import minidom
assert "xml.dom.minicompat" not in sys.modules
assert minidom.parseString("<a/>").documentElement.tagName == "a"
assert "xml.dom.minicompat" in sys.modules
defer("xml.dom.minidom")
defer("no_such_module")
"""


def test_a_module_is_loaded_by_its_first_use():
    done = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_moto_still_reads_certificates(sandbox):
    """The operation that needs the module which the sandbox defers."""
    iam = sandbox.client("iam")
    iam.create_user(UserName="signer")
    with pytest.raises(iam.exceptions.MalformedCertificateException):
        iam.upload_signing_certificate(UserName="signer", CertificateBody="no certificate")
