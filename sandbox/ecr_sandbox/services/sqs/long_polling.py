"""Long polling: ReceiveMessage waits up to 20 seconds for a message, while other calls are answered.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

import time
from contextvars import ContextVar

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam.requests import call_of

PAUSE = 0.25  # seconds between two looks into the queue

_wait: ContextVar[int] = ContextVar("wait", default=0)


def poll(request: Request, call_next: Handler) -> Response:
    """Middleware that repeats a ReceiveMessage that found nothing until its time is over."""
    call = call_of(request)
    if (call.service, call.operation) != ("sqs", "ReceiveMessage"):
        return call_next(request)
    began = time.monotonic()
    while True:
        note(0)
        answer = call_next(request)
        if time.monotonic() + PAUSE > began + _wait.get():
            return answer
        time.sleep(PAUSE)


def note(seconds: int) -> None:
    """Note for how many seconds the current call asks to wait; 0 if it found a message."""
    _wait.set(seconds)
