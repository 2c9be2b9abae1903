"""Server-sent events: a page learns that something in the sandbox has changed, and asks for its content again.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import time
from collections.abc import Callable, Iterator

from werkzeug.wrappers import Response

from .page import HEADERS

TICK = 0.5  # seconds after which the stream sends a comment, by which it notices that the client has gone
SETTLE = 0.15  # seconds for further changes: a push makes several


def stream(wait_for_change: Callable[[int, float], int], since: int | None) -> Response:
    """An endless answer with one event for each change; *wait_for_change* is ``Store.wait_for_change``.

    *since* is the number of changes when the page was made: it also learns of those until it opened the stream.
    """
    return Response(_events(wait_for_change, since), headers=HEADERS, content_type="text/event-stream")


def _events(wait_for_change: Callable[[int, float], int], since: int | None) -> Iterator[str]:
    seen = wait_for_change(-1, 0) if since is None else since
    yield "retry: 1000\n\n"
    while True:
        now = wait_for_change(seen, TICK)
        if now == seen:
            yield ":\n\n"
            continue
        time.sleep(SETTLE)
        seen = wait_for_change(-1, 0)
        yield f"event: change\ndata: {seen}\n\n"
