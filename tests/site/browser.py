"""Headless Chromium, driven by its DevTools protocol over a pipe: https://chromedevtools.github.io/devtools-protocol/."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class Browser:
    """One browser with one page; use it in a `with` statement."""

    def __init__(self, program: str):
        self.requests: list[str] = []
        self.messages: list[str] = []
        self._count = 0
        self._program = program

    def __enter__(self) -> "Browser":
        self._profile = tempfile.mkdtemp()
        read, self._write = os.pipe()
        answers, write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        # The browser reads commands from descriptor 3 and writes answers to 4.
        script = f'exec 3<&{read} 4>&{write}; exec "$@"'
        argv = ["bash", "-c", script, "bash", self._program, *flags, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(argv, pass_fds=(read, write), stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self._answers = os.fdopen(answers, "rb")
        self._buffer = b""
        page = next(each for each in self._send("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attach = {"targetId": page["targetId"], "flatten": True}
        self._session = self._send("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._send("Browser.close")
        self._process.wait(30)
        os.close(self._write)
        self._answers.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str, wait: str = "document.readyState == 'complete'") -> None:
        """Open *url*, and wait until the expression *wait* is true."""
        self.send("Page.navigate", url=url)
        self.until(f"location.href != 'about:blank' && {wait}")

    def until(self, expression: str, seconds: float = 20) -> None:
        """Wait until the JavaScript *expression* is true; raises `TimeoutError`."""
        limit = f"performance.now() + {seconds * 1000}"
        body = f"const end = {limit}; while (!({expression})) {{ if (performance.now() > end) return false;"
        if not self.value(f"(async () => {{ {body} await new Promise(go => setTimeout(go, 20)); }} return true; }})()"):
            raise TimeoutError(expression)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript *expression*, awaited if it is a promise; raises `RuntimeError` if it throws."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def window(self, width: int, scheme: str = "light", height: int = 900) -> None:
        """Set the width and height of the page in pixels, and the preferred color scheme of the system."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Save the page as PNG, also what is below the window if *whole*."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol to the page, and return its result; raises `RuntimeError` on an error."""
        return self._send(method, parameters, {"sessionId": self._session})

    def _send(self, method: str, parameters: dict[str, Any] | None = None, more: dict[str, Any] | None = None) -> Any:
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters or {}, **(more or {})}
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = self._answers.read1(1 << 16)
            if not more:
                raise RuntimeError("the browser has ended")
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep the addresses that the page requests, and the errors that it reports."""
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event.get("method") == "Log.entryAdded":
            self.messages.append(parameters["entry"]["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.messages.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
