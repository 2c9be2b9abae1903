"""Before door 4: what AWS has beside ECR and IAM, loaded when somebody asks for it the first time.

moto answers for these services too, with the sandbox's own rules where moto's would mislead. Who never uses them
waits for nothing: ECS alone takes moto a second and 70 MB.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module

from botocore.model import OperationNotFoundError
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.state.persistence import Kept
from werkzeug.wrappers import Response

from . import dispatch
from .errors import ServerException

Install = Callable[[], None]  # puts our rules in the place of moto's


class Services:
    """The services of *named* (by signing name, each with what is to be done before its first call).

    What *then* has for one is done when its state is there, in a change.
    """

    def __init__(self, kept: Kept, named: Mapping[str, Install], then: Mapping[str, Callable[[], None]] | None = None):
        self._kept, self._named, self._then = kept, named, then or {}
        self._loaded: set[str] = set()
        for name in named:
            dispatch.serve(name, partial(_answer, name))

    def load(self, *names: str) -> None:
        """Let these services be there, as the last run left them."""
        for name in set(names) & self._named.keys() - self._loaded:
            import_module(f"moto.{dispatch.MODULES.get(name, name)}.urls")
            self._kept.add(name, self._named[name], self._then.get(name))
            self._loaded.add(name)

    @contextmanager
    def changing(self, *names: str) -> Iterator[None]:
        """Round a change that the sandbox itself makes in these services: it is in the store when this ends."""
        self.load(*names)
        with self._kept.changing(names[0]):
            yield

    def door(self) -> Middleware:
        """The door that loads the service of a request; nobody else waits for it."""
        return partial(_load_first, self)


def _answer(name: str, request: Request) -> Response:
    """moto's answer; where moto breaks down, a client shall not try again."""
    try:
        return dispatch.by_moto(name, request)
    except (NotImplementedError, OperationNotFoundError, sqlite3.OperationalError, OSError):
        raise
    except Exception as error:
        return dispatch.refuse(request, ServerException(error))


def _load_first(services: Services, request: Request, call_next: Handler) -> Response:
    services.load(dispatch.service_of(request))
    return call_next(request)
