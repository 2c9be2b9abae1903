"""Shows the page of a web app that runs in a container."""

import html
import re
import time

from helpers.errors import LabError


def page(address: str, seconds: float = 60) -> None:
    """Wait until an app answers at *address*, and print the address and the heading of its page.

    LabError if there is no answer in *seconds*.
    """
    import requests

    end = time.monotonic() + seconds
    while True:
        try:
            answer = requests.get(address, timeout=10)
            break
        except requests.RequestException:
            if time.monotonic() > end:
                raise LabError(f"The app at {address} does not answer.", "docker logs shows what it printed") from None
            time.sleep(0.1)
    headings = re.findall(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    print(f"{address} shows: {html.unescape(headings[0]) if headings else f'status {answer.status_code}'}")
