"""Services other than ECR, IAM and STS, each loaded by its first call.

moto answers for them, with the sandbox's own rules where moto's differ from AWS's. A sandbox that never uses them
does not load them: ECS alone takes 70 MB.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module

from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import could_not
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.state.persistence import BackendPersistence, Unreadable

from . import dispatch, ec2_regions
from .errors import internal

Install = Callable[[], None]  # replaces moto's rules by ours


class Services:
    """The services in *installs* (by signing name), each with the function that is called before its state is read.

    The service's function in *recover*, if there is one, is called after that, in a transaction.
    """

    def __init__(
        self,
        persistence: BackendPersistence,
        installs: Mapping[str, Install],
        recover: Mapping[str, Callable[[], None]] | None = None,
    ):
        self._persistence, self._installs, self._recover = persistence, installs, recover or {}
        self._loaded: set[str] = set()
        for name in installs:
            dispatch.serve(name, partial(dispatch.by_moto, name))

    def load(self, *names: str) -> None:
        """Load these services, with the state that the last run left."""
        ec2_regions.install()
        for name in set(names) & self._installs.keys() - self._loaded:
            import_module(f"moto.{dispatch.MODULES.get(name, name)}.urls")
            self._persistence.add(name, self._installs[name], self._recover.get(name))
            self._loaded.add(name)

    @contextmanager
    def changing(self, *names: str) -> Iterator[None]:
        """A transaction in which the sandbox itself changes these services."""
        self.load(*names)
        with self._persistence.changing(names[0]):
            yield

    def load_first(self, request: Request, call_next: Handler) -> Response:
        """Middleware that loads the service of a request. Other requests do not wait for it."""
        try:
            self.load(service_of(request))
        except Unreadable as error:
            raise internal(could_not(error)) from None
        return call_next(request)
