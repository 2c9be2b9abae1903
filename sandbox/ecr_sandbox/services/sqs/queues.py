"""What moto's queues do differently here. Loaded by the first call of SQS.

The SDK for JavaScript and older clients send each request to the address in ``QueueUrl``, signed with the sandbox's
key; moto's is an address of AWS. Source:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
"""

from typing import Any

from moto.sqs.models import Queue, SQSBackend

from ecr_sandbox.http import addresses

from . import long_polling


def install() -> None:
    """Change moto's classes; call it before moto's first answer for ``sqs``.

    Their attributes are replaced, not the classes: what is stored names moto's classes.
    """
    Queue.url = _url
    if SQSBackend.receive_message is not _receive_once:
        _moto["receive_message"] = SQSBackend.receive_message
        SQSBackend.receive_message = _receive_once


_moto: dict[str, Any] = {}


def _url(queue: Queue, _: Any) -> str:
    return f"{addresses.current.api_url('sqs', queue.region)}/{queue.account_id}/{queue.name}"


def _receive_once(backend: SQSBackend, name: str, count: int, wait: int, *given: Any) -> Any:
    """moto would wait for *wait* seconds with the lock that every other call needs."""
    found = _moto["receive_message"](backend, name, count, 0, *given)
    long_polling.note(0 if found else wait)
    return found
