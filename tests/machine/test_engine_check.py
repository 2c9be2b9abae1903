"""What the check finds with a fake docker, whose messages are those of real engines.

test_engine_check_with_engine.py breaks a real one.
"""

import http.server
import sys
import threading
from collections.abc import Iterator

import pytest

from machine import engine_check
from machine.engine_check import Broken, Offline

# `docker`: the base image is there, a build and a container succeed, and its page is at $PAGE. Each test adds cases.
DOCKER = """
case "$1 $2" in
{cases}
"image inspect") echo sha256:aa linux/amd64;;
"port "*) echo "{page}";;
"info "*) echo "{system}";;
esac
"""
RESTART = "sudo service docker restart"
NO_BRIDGE = (  # docker/for-linux#312, docker-archive/classicswarm#2197
    "failed to create endpoint x on network bridge: adding interface veth1 to bridge docker0 failed: "
    "could not find bridge docker0: route ip+net: no such network interface"
)
NO_RULES = (  # moby/moby#16816
    "driver failed programming external connectivity on endpoint x (14e1a5): iptables failed: iptables --wait "
    "-t nat -A DOCKER -p tcp -d 0/0 --dport 80 -j DNAT ! -i docker0: iptables: No chain/target/match by that name"
)
NO_CGROUP = (  # docker/cli#1228
    'OCI runtime create failed: process_linux.go:279: applying cgroup configuration for process caused "mountpoint '
    'for cgroup not found": unknown'
)
NO_OVERLAY = "error creating overlay mount to /var/lib/docker/overlay2/d5-init/merged: invalid argument"  # moby#23930
DISK_FULL = "write /var/lib/docker/tmp/x: no space left on device"
# From Docker 28 with BuildKit, and from Docker 20.10 with the classic builder, in the red of an error.
STEP_FAILS = """\
#5 [2/2] RUN ["python", "-c", "\\nimport os\\nraise SystemExit('no error')\\n"]
#5 0.154 Traceback (most recent call last):
#5 0.154   File "<string>", line 2, in <module>
#5 0.155 FileNotFoundError: [Errno 2] No such file or directory
#5 ERROR: process "python -c \\nimport os\\n" did not complete successfully: exit code: 1
------
 > [2/2] RUN ["python", "-c", "\\nimport os\\nraise SystemExit('no error')\\n"]:
0.155 FileNotFoundError: [Errno 2] No such file or directory
------
Dockerfile:2
--------------------
   2 | >>> RUN ["python", "-c", "\\nimport os\\nraise SystemExit('no error')\\n"]
--------------------
ERROR: failed to build: failed to solve: process "python -c \\nimport os\\n" did not complete successfully: exit code: 1
"""
CLASSIC_STEP_FAILS = """\
Step 2/2 : RUN ["python", "-c", "\\nimport os\\nraise SystemExit('no error')\\n"]
 ---> Running in 467c59c18f67
\x1b[91mTraceback (most recent call last):
\x1b[0m\x1b[91m  File "<string>", line 2, in <module>
PermissionError: [Errno 13] Permission denied
\x1b[0mRemoving intermediate container 467c59c18f67
DEPRECATED: The legacy builder is deprecated and will be removed in a future release.

The command 'python -c
import os; raise SystemExit('no error')
' returned a non-zero code: 1
"""
BUILDKIT_FAILED = 'ERROR: failed to solve: process "python -c x" did not complete successfully: exit code: 1'


class Page(http.server.BaseHTTPRequestHandler):
    text = b"it works"

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_):
        pass


@pytest.fixture
def page() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def docker(machine, page, monkeypatch):
    """Make a docker whose commands in *cases* behave otherwise than a healthy engine's."""
    monkeypatch.setattr(engine_check, "CACHE", machine.root / ".cache")

    def make(cases: str = "", system: str = "Debian GNU/Linux 12", page: str = page) -> None:
        machine.has("docker", DOCKER.format(cases=cases, system=system, page=page))

    make()
    return make


def fails(command: str, *lines: str) -> str:
    """A case of the fake docker: *command* prints these lines as errors and fails."""
    echoes = "".join(f"echo '{line}' >&2; " for line in lines)
    return f'"{command} "*) {echoes}exit 1;;'


def broken() -> Broken:
    with pytest.raises(Broken) as raised:
        engine_check.check()
    return raised.value


def test_a_healthy_engine_builds_runs_and_publishes_and_keeps_nothing(docker, machine):
    engine_check.check()
    commands = [call.split()[1] for call in machine.calls("docker ")]
    assert commands == ["image", "build", "run", "port", "rm", "rmi"]
    made = {call.split()[-1] for call in machine.calls("docker r")}
    assert len(made) == 1, "what is removed is what was made"
    assert not any(engine_check.CACHE.iterdir())


def test_the_build_step_has_a_network_of_the_default_kind(docker, machine):
    engine_check.check()
    [build] = machine.calls("docker build")
    assert "--network" not in build
    assert "--no-cache" in build, "a step of an earlier check would not run"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([NO_BRIDGE], NO_BRIDGE),
        ([f"docker: Error response from daemon: {NO_BRIDGE}.", "See 'docker run --help'."], NO_BRIDGE),
        ([f"#5 ERROR: {NO_CGROUP}", f"ERROR: failed to solve: {NO_CGROUP}"], NO_CGROUP),
        ([f"Error response from daemon: {NO_OVERLAY}"], NO_OVERLAY),
        (["Step 2/3 : RUN x", "Error: netavark: unable to find bridge"], "netavark: unable to find bridge"),
        (["#6 0.312 @@network: it has no network", BUILDKIT_FAILED], "it has no network"),
        (["@@network: it has no network", "The command x returned a non-zero code: 1"], "it has no network"),
        ([], "no reason given"),
    ],
)
def test_a_build_step_that_fails_shows_the_engines_message(docker, machine, lines, message):
    docker(fails("build", *lines))
    found = broken()
    assert (found.wrong, found.fix) == (f"The engine cannot run a build step ({message})", RESTART)
    assert not machine.calls("docker run")
    assert machine.calls("docker rmi")


def test_a_build_step_that_fails_shows_what_it_printed_and_not_its_code():
    messages = [engine_check._message(output) for output in (STEP_FAILS, CLASSIC_STEP_FAILS, BUILDKIT_FAILED)]
    assert messages == [
        "FileNotFoundError: [Errno 2] No such file or directory",
        "PermissionError: [Errno 13] Permission denied",
        "exit code 1",
    ]


@pytest.mark.parametrize("message", [NO_BRIDGE, NO_CGROUP, NO_OVERLAY])
def test_a_container_that_does_not_start_shows_the_engines_message(docker, machine, message):
    docker(fails("run", f"docker: Error response from daemon: {message}.", 'See "docker run --help".'))
    assert broken().wrong == f"The engine cannot start a container ({message})"
    assert machine.calls("docker rm "), "a container that does not start exists"


def test_a_long_message_keeps_its_reason(docker):
    docker(fails("run", f"docker: Error response from daemon: {NO_RULES * 2}."))
    assert broken().wrong.endswith("iptables: No chain/target/match by that name)")
    assert len(broken().wrong) < 400


def test_a_container_without_its_port_is_broken(docker):
    docker(fails("port", "Error: No public port 8080/tcp published for learn-ecr-check"))
    assert broken().wrong == (
        "The engine does not publish the port of a container (No public port 8080/tcp published for learn-ecr-check)"
    )


def test_a_published_port_that_does_not_answer_is_broken(docker, monkeypatch):
    monkeypatch.setattr(engine_check, "ANSWER_LIMIT", 0.5)
    docker(page="127.0.0.1:1")
    found = broken()
    assert found.wrong.startswith("A port that the engine publishes does not answer (127.0.0.1:1: ")
    assert "Connection refused" in found.wrong
    assert found.fix == RESTART


def test_a_published_port_at_which_another_program_answers_is_broken(docker, monkeypatch):
    monkeypatch.setattr(engine_check, "ANSWER_LIMIT", 0.5)
    monkeypatch.setattr(Page, "text", b"something else")
    assert "another program answers" in broken().wrong


def test_an_engine_that_hangs_is_broken(docker, machine, monkeypatch):
    monkeypatch.setattr(engine_check, "LIMIT", 1.0)
    (machine.bin / "sleep").symlink_to("/bin/sleep")
    docker('"run "*) exec sleep 60;;')
    assert broken().wrong == "The engine cannot start a container (docker did not answer within 1 s)"


@pytest.mark.parametrize("message", [DISK_FULL, "write /x: disk quota exceeded"])
def test_a_full_disk_has_its_own_fix(docker, message):
    docker(fails("build", message))
    assert broken().fix == "docker system prune, which removes what is unused"


def test_a_base_image_of_another_processor_has_its_own_fix(docker):
    docker(fails("build", "#5 0.213 exec /usr/bin/python: exec format error", BUILDKIT_FAILED))
    assert "make setup, which gets it for this processor" in broken().fix


def test_buildkit_without_buildx_has_its_own_fix(docker):
    docker(fails("build", "ERROR: BuildKit is enabled but the buildx component is missing or broken."))
    assert broken().fix.startswith("unset DOCKER_BUILDKIT, or install buildx")


def test_a_missing_base_image_is_shown_before_anything_is_built(docker, machine):
    docker('"image "*) exit 1;;')
    assert broken().fix == "make setup"
    assert not machine.calls("docker build")


@pytest.mark.parametrize(
    "reason",
    [
        "[Errno -3] Temporary failure in name resolution",  # no DNS
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:992)",
        "[Errno 101] Network is unreachable",
    ],
)
def test_a_build_step_without_the_package_index_works_otherwise(docker, machine, reason):
    docker(f"\"build \"*) echo '#6 0.5 @@packages: {reason}';;")
    with pytest.raises(Offline) as raised:
        engine_check.check()
    assert raised.value.wrong == f"A build step cannot get packages from Python's index ({reason})"
    assert machine.calls("docker port")


def test_the_code_of_the_build_step_is_not_taken_for_its_result():
    """BuildKit prints the code too."""
    assert not engine_check.REASON.search(engine_check.DOCKERFILE)


# How to restart ---


@pytest.mark.parametrize(
    ("host", "systemd", "system", "command"),
    [
        ("", True, "Debian", "sudo systemctl restart docker"),
        ("", False, "Debian", "sudo service docker restart"),
        ("unix:///run/user/1000/docker.sock", True, "Debian", "systemctl --user restart docker"),
        ("unix:///run/user/1000/podman/podman.sock", True, "Debian", "systemctl --user restart podman"),
        ("unix:///run/podman/podman.sock", True, "Debian", "sudo systemctl restart podman"),
        ("", True, "Docker Desktop", "restart Docker Desktop, or the program that runs your engine"),
    ],
)
def test_the_fix_restarts_the_engine_in_use(docker, machine, monkeypatch, host, systemd, system, command):
    machine.is_system("linux", systemd=systemd)
    monkeypatch.setenv("DOCKER_HOST", host)
    docker(fails("run", NO_BRIDGE), system=system)
    assert broken().fix == command


def test_the_fix_on_macos_is_to_restart_docker_desktop(docker, monkeypatch):
    docker(fails("run", NO_BRIDGE))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert broken().fix.startswith("restart Docker Desktop")


def test_an_engine_that_make_started_is_ended_and_started_again(docker, monkeypatch):
    docker(fails("run", NO_BRIDGE))
    monkeypatch.setattr(engine_check.engine, "started_here", lambda: 4711)
    assert broken().fix == "sudo kill 4711, then make setup, which starts the engine again"
