"""moto's backends as bytes, and back. Bytes from elsewhere cannot run code: they can name a few classes only.

A state folder may come from another person. A pickle names functions and classes to call, so what may be named is on a
list: moto's models of the service, the sandbox's own, and values of the standard library. No function is on it.
Source: https://docs.python.org/3/library/pickle.html, "Restricting Globals".
"""

import copyreg
import hashlib
import io
import pickle
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import is_dataclass
from enum import EnumType
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.core.common_models import BaseModel
from moto.core.responses import BaseResponse

# Classes that make a value when they are called, and do nothing else.
VALUES = {
    "builtins": {"bytearray", "complex", "dict", "frozenset", "list", "range", "set", "slice", "tuple"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "dateutil.tz.tz": {"tzutc"},
    "decimal": {"Decimal"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    "moto.utilities.tagging_service": {"TaggingService"},
    "threading": {"Condition"},
    "uuid": {"SafeUUID", "UUID"},
}
# Services whose models hold models of another: a session of STS has its access key, an instance of EC2 its profile.
ALSO = {"sts": {"iam"}, "ec2": {"iam"}}
OWN = ("ecr_sandbox.services.", "ecr_sandbox.iam.")
# Pickles from before November 2026 name our classes by these modules.
MOVED = {"helpers.sandbox.ecr.": "ecr_sandbox.services.ecr.", "helpers.sandbox.ecs.": "ecr_sandbox.services.ecs."}
MARK = b"sha256:"  # before the digest of a pickle; pickles from before December 2026 have none
LOCK, RLOCK = type(threading.Lock()), type(threading.RLock())
METHODS = re.compile("filter_[a-z0-9_]+")  # that moto's EC2 keeps in its objects
LOCK_METHODS = ("acquire", "release", "_release_save", "_acquire_restore", "_is_owned")

copyreg.pickle(RLOCK, lambda _: (threading.RLock, ()))
copyreg.pickle(LOCK, lambda _: (threading.Lock, ()))
copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))


HEAD = len(MARK) + hashlib.sha256().digest_size


class NotAllowed(pickle.UnpicklingError):
    """The pickle names something that is not part of a state, or its bytes have changed."""


def dump(backend: Any) -> bytes:
    """*backend* as bytes that ``load`` reads; raises what ``pickle.dumps`` raises."""
    content = pickle.dumps(backend, 5)
    return MARK + hashlib.sha256(content).digest() + content


def digest_of(content: bytes) -> bytes:
    """What differs when the bytes of two backends differ: the head that ``dump`` has written."""
    return content[:HEAD]


def load(content: bytes, backend_class: type) -> Any:
    """The backend of *content*, an instance of *backend_class*; raises NotAllowed and what ``pickle.loads`` raises."""
    if content.startswith(MARK):
        digest, content = content[len(MARK) : HEAD], content[HEAD:]
        if hashlib.sha256(content).digest() != digest:
            raise NotAllowed("its bytes have changed")
    packages = {each.__module__.split(".")[1] for each in backend_class.__mro__ if each.__module__.startswith("moto.")}
    packages |= {other for package in packages for other in ALSO.get(package, ())}
    return _Unpickler(content, {f"moto.{package}." for package in packages - {"core"}}).backend()


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, packages: Collection[str]):
        super().__init__(io.BytesIO(content))
        self._packages = tuple(packages)
        self._before: dict[type, dict[str, Any]] = {}  # the attributes of each class that was named

    def backend(self) -> Any:
        """The object; raises NotAllowed also if the pickle has set an attribute of a class."""
        try:
            return self.load()
        finally:
            for each, before in self._before.items():
                _check_unchanged(each, before)

    def find_class(self, module: str, name: str) -> Any:
        for old, new in MOVED.items():
            if module.startswith(old):
                module = new + module.removeprefix(old)
        if replacement := REPLACEMENTS.get((module, name)):
            return replacement
        if not (name in VALUES.get(module, ()) or module.startswith((*OWN, *self._packages))):
            raise NotAllowed(f"{module}.{name} is not part of a state")
        found: Any = getattr(import_module(module), name, None)
        if not (name in VALUES.get(module, ()) or _is_model(found, module, name)):
            raise NotAllowed(f"{module}.{name} is not part of a state")
        self._before.setdefault(found, dict(vars(found)))
        return found


def _is_model(found: Any, module: str, name: str) -> bool:
    """Whether *found* is a class that *module* defines, not only imports, and that keeps data."""
    if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, name):
        return False
    if module.startswith(OWN):
        return is_dataclass(found) or issubclass(found, BaseBackend | BaseModel)
    return not issubclass(found, BaseResponse)


def _method(owner: Any, name: str) -> Any:
    """The method *name* of *owner*, or the member of an enumeration; a pickle names ``getattr`` for them.

    Python before 3.11.4 stores a member by its name, later ones by its value.
    """
    if isinstance(owner, EnumType) and name in owner.__members__:
        return owner[name]
    if isinstance(owner, RLOCK) and name in LOCK_METHODS:
        return getattr(owner, name)
    function = next((vars(each)[name] for each in type(owner).__mro__ if name in vars(each)), None)
    if not (METHODS.fullmatch(name) and isinstance(function, FunctionType)):
        raise NotAllowed(f"the method {name} is not part of a state")
    return MethodType(function, owner)


def _check_unchanged(named: type, before: dict[str, Any]) -> None:
    now = dict(vars(named))
    changed = [name for name in now.keys() | before.keys() if now.get(name) is not before.get(name)]
    for name in changed:
        if name in before:
            setattr(named, name, before[name])
        else:
            delattr(named, name)
    if changed:
        raise NotAllowed(f"it changes the class {named.__qualname__}")


# What is used in place of functions that a pickle names.
REPLACEMENTS: dict[tuple[str, str], Callable[..., Any]] = {
    ("builtins", "getattr"): _method,
    ("re", "_compile"): re.compile,
    ("threading", "Lock"): threading.Lock,
    ("threading", "RLock"): RLOCK,
}
