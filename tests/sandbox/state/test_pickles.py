"""What a pickle in the state file can name, and that no pickle runs code.

Source: https://docs.python.org/3/library/pickle.html, "Restricting Globals", and its example with ``os.system``.
"""

import os
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.backends import get_backend
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend
from moto.ecr.models import ECRBackend, Repository, RepoTagMutability
from moto.iam.models import AccessKey, AccessKeyLastUsed, IAMBackend
from moto.sqs.models import SQSBackend
from moto.sts.models import AssumedRole, STSBackend

from ecr_sandbox.services.ecr.backend import Backend
from ecr_sandbox.services.ecr.backend import Repository as OwnRepository
from ecr_sandbox.state import pickles
from ecr_sandbox.state.pickles import NotAllowed, dump, load

ME, HERE = "123456789012", "us-east-1"


class Calls:
    """Pickled, a call of *function*."""

    def __init__(self, function: Any, *values: Any):
        self.reduced = (function, values)

    def __reduce__(self) -> tuple:
        return self.reduced


def named(name: str, value: bytes = b"V/tmp/never\n") -> bytes:
    """A pickle that calls what it names ``module name``, in the oldest protocol."""
    return b"c" + name.replace(" ", "\n", 1).encode() + b"\n(" + value + b"tR."


def by_stack(module: str, name: str) -> bytes:
    """The same in protocol 4, where a name may have dots."""
    texts = b"".join(b"\x8c" + bytes([len(each)]) + each.encode() for each in (module, name))
    return b"\x80\x04" + texts + b"\x93\x8c\x0b/tmp/never1\x85R."


GADGETS = """
os system, posix system, subprocess Popen, subprocess check_output, builtins exec, builtins eval, builtins __import__,
builtins open, builtins compile, builtins type, builtins setattr, builtins object, __builtin__ eval, functools partial,
functools reduce, operator attrgetter, operator methodcaller, operator itemgetter, copyreg _reconstructor,
copyreg __newobj__, copyreg add_extension, types FunctionType, types CodeType, types MethodType, pickle loads,
importlib import_module, runpy run_path, pty spawn, shutil rmtree, pickle Unpickler, pathlib Path, socket socket,
tempfile NamedTemporaryFile, threading Thread, ctypes CDLL, logging FileHandler, code InteractiveInterpreter, site main,
timeit timeit, webbrowser open, zipfile ZipFile, this s, a.module.that.does.not.exist Class,
moto.ecr.models re, moto.ecr.models json, moto.ecr.models random,
moto.ecr.models random, moto.ecr.models BaseBackend,
moto.ecr.models BackendDict, moto.ecr.models iso_8601_datetime_without_milliseconds, moto.ecr.models TaggingService,
moto.ecr.responses ECRResponse, moto.core.models MockAWS, moto.core.models mock_aws, moto.core.responses BaseResponse,
moto.core.utils utcnow, moto.core.base_backend BackendDict, moto.core.base_backend BaseBackend, moto.iam.models User,
moto.awslambda.models LambdaFunction, moto.batch.models Job, moto.s3.models FakeKey, moto.server main,
moto.moto_server.threaded_moto_server ThreadedMotoServer, moto.utilities.docker_utilities DockerModel,
moto.utilities.tagging_service re, ecr_sandbox.serve main, ecr_sandbox.cli main, ecr_sandbox.__main__ main,
ecr_sandbox.background start, ecr_sandbox.settings Settings, ecr_sandbox.services.ecr.backend install,
ecr_sandbox.services.ecr.backend uuid, ecr_sandbox.services.ecr.backend partial, ecr_sandbox.state.store Store,
ecr_sandbox.services.ecs.task_runner TaskRunners, ecr_sandbox.state.pickles load, helpers.sandbox.ecr.backend install
"""


@pytest.mark.parametrize("name", [each.strip() for each in GADGETS.split(",")])
def test_a_pickle_cannot_call_anything(name):
    for content in (named(name), by_stack(*name.split(" "))):
        with pytest.raises(NotAllowed, match="is not part of a state"):
            load(content, ECRBackend)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("moto.ecr.models", "re.compile.__globals__.__getitem__"),
        ("moto.ecr.models", "random.uuid4"),
        ("moto.ecr.models", "ECRBackend.__init__.__globals__"),
        ("moto.ecr.models", "Repository.delete_images"),
        ("builtins", "dict.fromkeys"),
        ("collections", "OrderedDict.fromkeys"),
        ("datetime", "datetime.now"),
        ("threading", "Condition.wait"),
        ("uuid", "UUID.__class__"),
    ],
)
def test_a_name_with_dots_reaches_nothing(module, name):
    with pytest.raises(NotAllowed):
        load(by_stack(module, name), ECRBackend)


@pytest.mark.parametrize("name", ["__class__", "__init__", "__dict__", "create_repository", "filter_", "filters"])
def test_a_pickle_gets_no_attribute_but_a_filter(name):
    content = pickle.dumps(Calls(getattr, ECRBackend(HERE, ME), name), 4)
    with pytest.raises(NotAllowed, match=f"the method {name} is not part of a state"):
        load(content, ECRBackend)


@pytest.mark.parametrize("name", ["added", "delete_repository"])
def test_a_pickle_cannot_change_a_class(name):
    """With the state of an object, a pickle sets attributes; what it names may be a class."""
    before = dict(vars(Repository))
    setting = b"cmoto.ecr.models\nRepository\n(N}(V" + name.encode() + b"\nV1\nutb."
    with pytest.raises(NotAllowed, match="it changes the class Repository"):
        load(setting, ECRBackend)
    assert dict(vars(Repository)) == before


def test_a_member_of_an_enumeration_is_read_by_name_as_older_pythons_store_it():
    """Python 3.11.2 of Debian 12: ``Enum.__reduce_ex__`` returns ``getattr, (class, name)``."""
    kept = pickle.dumps(Calls(getattr, RepoTagMutability, "MUTABLE"), 5)
    assert load(kept, ECRBackend) is RepoTagMutability.MUTABLE
    for name in ("mro", "__members__", "MUTABLE.value", "_value2member_map_"):
        with pytest.raises(NotAllowed):
            load(pickle.dumps(Calls(getattr, RepoTagMutability, name), 5), ECRBackend)


def test_only_the_models_of_the_service_are_allowed():
    content = pickle.dumps(ECRBackend(HERE, ME), 5)
    assert isinstance(load(content, ECRBackend), ECRBackend)
    with pytest.raises(NotAllowed, match=r"moto\.ecr\.models\.ECRBackend is not part of a state"):
        load(content, IAMBackend)


def test_a_changed_bit_is_found():
    """SQLite has no checksums of its own: https://www.sqlite.org/cksumvfs.html."""
    content = dump(ECRBackend(HERE, ME))
    for place in range(len(pickles.MARK), len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 1
        with pytest.raises(NotAllowed, match="its bytes have changed"):
            load(bytes(damaged), ECRBackend)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_error_or_data(content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "system", lambda *_: pytest.fail("it ran a command"))
        try:
            load(content, ECRBackend)
        except (Exception, RecursionError):
            return


def test_a_pickle_from_before_december_2026_has_no_digest():
    assert isinstance(load(pickle.dumps(IAMBackend("aws", ME), 5), IAMBackend), IAMBackend)


def test_a_class_is_found_by_the_name_of_its_old_module():
    """Until November 2026 the classes of the sandbox were in ``helpers.sandbox``."""
    old = pickle.dumps(OwnRepository, 0).replace(b"ecr_sandbox.services.ecr.backend", b"helpers.sandbox.ecr.backend")
    assert b"helpers.sandbox" in old
    assert load(old, Backend) is OwnRepository


def test_methods_and_locks_of_models_are_kept():
    ec2 = load(dump(EC2Backend(HERE, ME)), EC2Backend)
    [group] = [each for groups in ec2.groups.values() for each in groups.values()]
    assert group.filters["group-id"].__self__ is group
    queue = SQSBackend(HERE, ME).create_queue("app", {})
    for content in (dump(queue), pickle.dumps(queue, 5)):
        with load(content, SQSBackend)._messages_lock as acquired:
            assert acquired


def test_a_session_of_sts_can_be_read():
    """It holds its access key, a model of IAM."""
    backend = STSBackend(HERE, ME)
    key = AccessKey(None, "ASIA", ME)
    key.last_used = AccessKeyLastUsed(utcnow(), "ecr", HERE)
    session = AssumedRole(ME, HERE, key, "test", f"arn:aws:iam::{ME}:role/r", "", 900, "")
    backend.assumed_roles.append(session)
    found = load(dump(backend), STSBackend).get_assumed_role_from_access_key(session.access_key_id)
    assert found.secret_access_key == session.secret_access_key


def test_a_new_backend_of_every_service_that_is_stored_can_be_read():
    for service in ("ecr", "iam", "sts", "ecs", "ec2", "events", "logs", "sqs", "secretsmanager", "cloudwatch"):
        backend = get_backend(service)[ME]["aws" if service in ("iam", "sts") else HERE]
        content = dump(backend)
        assert type(load(content, type(backend))) is type(backend)
