"""What a call answers to an unexpected error in the code: an error of the protocol, never a traceback.

The change is undone before, by ``transaction.py``. The sandbox's log has one line that says where it happened.
"""

import sqlite3
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import ApiError, could_not, not_supported
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.http.server import BodyTooLarge, BrokenBody
from ecr_sandbox.iam.requests import Call
from ecr_sandbox.state import disk
from ecr_sandbox.state.pickles import NotAllowed

from .errors import INTERNAL, internal, storage_full
from .protocols import model_of

PACKAGES = ("ecr_sandbox", "moto")
LONGEST = 1000  # characters of a line in the log
OF_MODELS = ("ServerException", "ServiceException")  # API references of ECR, ECS; of Lambda: status 500
PASSING = (OSError, sqlite3.Error, MemoryError)
OF_THE_BODY = (HTTPException, BodyTooLarge, BrokenBody, RecursionError)  # http/limits.py answers these


def contain(refuse: Callable[[Request, Exception], Response]) -> Middleware:
    """Middleware that answers an unexpected error, outside of the transaction of a call, with *refuse*."""
    return partial(_contain, refuse)


def _contain(refuse: Callable[[Request, Exception], Response], request: Request, call_next: Handler) -> Response:
    try:
        return call_next(request)
    except OF_THE_BODY:
        raise
    except Exception as error:
        _log(error, service_of(request) or request.method)
        return refuse(request, error)


def contained(error: Exception, call: Call, folder: Path) -> ApiError:
    """The error that *call* answers for *error*; *folder* is the state's.

    What may pass is an error that SDKs retry. moto's own code fails for the same input every time, and so does the
    storing of an object that no start could read: the sandbox does not support that input.
    """
    if isinstance(error, (OSError, sqlite3.Error)) and disk.is_full(folder, error):
        return storage_full(_code(call.service))
    what = f"{call.service}:{call.operation}"
    if (_log(error, what) == "moto" and not isinstance(error, PASSING)) or isinstance(error, NotAllowed):
        return not_supported(f"{what} with these parameters")
    reason = could_not(error) if isinstance(error, (OSError, sqlite3.Error)) else ""
    return internal(reason, _code(call.service))


def _code(service: str) -> str:
    """The code of an internal error that the service's model has, or the one that all services have."""
    model = model_of(service)
    return next((name for name in OF_MODELS if model and name in model.shape_names), INTERNAL)


def _log(error: Exception, what: str) -> str:
    """Log where it happened; the package in whose code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if package := next((part for part in Path(frame.filename).parts if part in PACKAGES), ""):
            break
    print(f"{what} failed at {frame.filename}:{frame.lineno}: {error!r}"[:LONGEST], file=sys.stderr, flush=True)
    return package
