"""A stub for the sandbox: it has the lock, sandbox.json, /_sandbox and the signal handler, and nothing else."""

import fcntl
import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path

state = Path(os.environ["ECR_SANDBOX_STATE"])
behavior = os.environ.get("STUB_BEHAVIOR", "")
with (state / "starts").open("a") as starts:
    starts.write("x")
lock = (state / "sandbox.lock").open("w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("Another sandbox runs here. Fix: ecr-sandbox down")
if behavior == "refuse":
    sys.exit("The state cannot be read. Fix: ecr-sandbox reset")
if behavior == "crash":
    raise RuntimeError("boom")
if behavior == "slow":
    time.sleep(1)
if behavior == "never":
    time.sleep(600)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(status).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["ECR_SANDBOX_PORT"])), Answer)
port = server.server_address[1]
status = {
    "endpoint": f"http://localhost:{port}",
    "port": port,
    "ports": [port],
    "hub": "http://localhost:1",
    "public": "http://localhost:2",
    "registry": f"localhost:{port}",
    "public_registry": "localhost:2",
    "accounts": {"123456789012": "default"},
    "region": "us-east-1",
    "aws_names": None,
    "pid": os.getpid(),
    "run": os.urandom(8).hex(),
    "state": str(state),
    "versions": {"moto": "stub"},
}
note = state / "sandbox.json"
note.write_text(json.dumps(status))


def end(*_):
    if behavior != "deaf":
        note.unlink(missing_ok=True)
        os._exit(0)


signal.signal(signal.SIGTERM, end)
print(f"ready http://localhost:{port}", flush=True)
server.serve_forever()
