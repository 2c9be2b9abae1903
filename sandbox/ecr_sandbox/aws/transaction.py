"""One transaction for each API call: its change is on disk before the answer leaves, or is undone whole."""

import re
from functools import partial

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.iam.requests import Call, call_of
from ecr_sandbox.state.persistence import BackendPersistence
from ecr_sandbox.state.store import Store

from .containment import contained
from .dispatch import SERVICES
from .responses import refuse

READS = re.compile("Get|List|Describe|BatchGet|BatchCheck|Validate|Simulate")
# They change rows only, in transactions of their own, so other calls do not wait while they copy bytes.
WITHOUT_TRANSACTION = {
    *("PutImage", "BatchDeleteImage", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"),
    *("BatchGetImage", "ValidatePullThroughCacheRule"),  # these may wait for another registry
}


class _Refused(Exception):
    """The service answered with an error."""

    def __init__(self, answer: Response):
        super().__init__()
        self.answer = answer


def in_transaction(store: Store, persistence: BackendPersistence) -> Middleware:
    """Middleware that commits a call's change of moto's backends to *store* before it returns the answer.

    A call that is answered with an error changes nothing: moto may have changed something before it found the error.
    """
    return partial(_in_transaction, store, persistence)


def _in_transaction(store: Store, persistence: BackendPersistence, request: Request, call_next: Handler) -> Response:
    call = call_of(request)
    try:
        if call.operation in WITHOUT_TRANSACTION:
            return call_next(request)
        if _only_reads(call):
            with store.lock:  # moto's backends are not thread-safe
                return call_next(request)
        with persistence.changing(call.service):
            answer = call_next(request)
            if answer.status_code >= 400:
                raise _Refused(answer)
            return answer
    except _Refused as refused:
        return refused.answer
    except HTTPException:
        raise  # http/limits.py answers it
    except Exception as error:
        return refuse(request, contained(error, call, store.path.parent))


def _only_reads(call: Call) -> bool:
    return call.service in SERVICES and reads_only(call.operation)  # other services create defaults when read


def reads_only(operation: str) -> bool:
    """Whether an operation changes nothing, as its name says. STS makes keys with ``Get…`` and ``Assume…``."""
    return READS.match(operation) is not None and not operation.startswith("GetSessionToken")
