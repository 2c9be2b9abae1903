"""`make test` gets what it tries the registry with besides docker: Debian packages, unpacked and not installed.

No lesson needs them, so `make setup` leaves them out. Nothing of the machine changes, root is not needed, and
`make clean` takes them away. Where they cannot be had, their tests are skipped, and a line says so.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from machine.commands import find as on_path
from machine.commands import last_lines, run
from machine.project import CACHE
from machine.say import say

CLIENTS = CACHE / "clients"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# They use libraries of the system, so they come from its own release: program → package. `ip` plays Docker Desktop.
OF_THE_SYSTEM = {"skopeo": "skopeo", "podman": "podman", "buildah": "buildah", "ip": "iproute2", "ss": "iproute2"}
# They need a C library of 2021 and nothing else, so one release serves every system: program → package/release.
# The newer engine keeps indexes, which buildx needs for attestations; only a test starts it, and not as the machine's.
OF_DEBIAN = {
    "oras": "oras/trixie",
    "docker-buildx": "docker-buildx/trixie",
    "newer-dockerd": "docker.io/trixie",
    "crane": "crane/forky",
}
RELEASES = ("trixie", "forky")

# Found from where it lies, so that the checkout may move.
WRAPPER = """#!/bin/sh
tree=$(dirname "$(dirname "$(readlink -f "$0")")")/{tree}
PATH="$tree/usr/bin:$tree/usr/sbin:$PATH"
for folder in "$tree"/lib/*-linux-gnu* "$tree"/usr/lib/*-linux-gnu*; do
    [ ! -d "$folder" ] || export LD_LIBRARY_PATH="$folder${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
done
exec "$tree/{program}" "$@"
"""


def find(program: str) -> str | None:
    """The path of the client: the machine's own, else the one that was fetched; None if there is neither."""
    fetched = CLIENTS / "bin" / program
    return on_path(program) or (str(fetched) if fetched.exists() else None)


def missing() -> list[str]:
    """The clients that are neither installed nor fetched."""
    return [program for program in (*OF_THE_SYSTEM, *OF_DEBIAN) if not find(program)]


def main() -> int:
    """Fetch what is missing, and say in one line what came of it; never a reason not to run the tests."""
    begun = time.monotonic()
    wanted = missing()
    if not wanted:
        return 0
    why = _fetch(wanted)
    lacking = missing()
    if got := [program for program in wanted if program not in lacking]:
        say(f"Fetched for the tests, and not installed: {', '.join(got)} ({time.monotonic() - begun:.0f} s)")
    if lacking:
        say(f"The tests with {', '.join(lacking)} will be skipped ({why}); install these, or run make test again.")
    return 0


def _fetch(programs: list[str]) -> str:
    """Fetch what can be had; why the rest cannot, in a few words."""
    if not (on_path("apt-get") and on_path("dpkg-deb")):
        return "they are fetched on Debian and Ubuntu only"
    failures = []
    if own := [program for program in programs if program in OF_THE_SYSTEM]:
        packages = [OF_THE_SYSTEM[program] for program in own]
        with _Apt("system") as apt:
            words = ["install", "--download-only", "--yes", "--no-install-recommends", *packages]
            failures.append(apt.fetch(own, words))
    if theirs := [program for program in programs if program in OF_DEBIAN]:
        if not KEYRING.exists():
            failures.append("the package debian-archive-keyring, which checks Debian's packages, is not installed")
        elif (mirror := _mirror()) is None:
            failures.append("this machine does not get its packages from Debian's archive")
        else:
            with _Apt("debian", mirror) as apt:
                if apt.fetch(theirs, ["download", *(OF_DEBIAN[program] for program in theirs)]):
                    # One that is gone keeps apt from getting the others.
                    failures += [apt.fetch([program], ["download", OF_DEBIAN[program]]) for program in theirs]
    return "; ".join(dict.fromkeys(filter(None, failures)))


def _mirror() -> str | None:
    """Debian's archive, where this machine gets its packages; None where it gets them from somebody else."""
    told = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).stdout.split()
    return next((uri for uri in told if uri.rstrip("/").endswith("/debian")), None)


class _Apt:
    """apt with lists and a cache of its own: of this system's sources, or of *RELEASES* at Debian's *mirror*."""

    def __init__(self, tree: str, mirror: str | None = None):
        self.tree = CLIENTS / tree
        self.work = CLIENTS / f"apt-{tree}"
        shutil.rmtree(self.work, ignore_errors=True)
        for folder in ("lists/partial", "archives/partial", "sources"):
            (self.work / folder).mkdir(parents=True)
        settings = {
            "Dir::State::lists": self.work / "lists",
            "Dir::Cache": self.work,
            "Dir::Cache::archives": self.work / "archives",
            "Debug::NoLocking": "true",  # the lock is root's, and guards what is not touched here
            "APT::Sandbox::User": "",
            "Acquire::http::Timeout": "10",
            "Acquire::Languages": "none",
        }
        if mirror:
            (self.work / "sources" / "debian.sources").write_text(
                f"Types: deb\nURIs: {mirror}\nSuites: {' '.join(RELEASES)}\nComponents: main\nSigned-By: {KEYRING}\n"
            )
            settings |= {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": self.work / "sources"}
        self.conf = self.work / "apt.conf"
        self.conf.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
        self._call(["update"])

    def __enter__(self) -> "_Apt":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.work)

    def fetch(self, programs: list[str], words: list[str]) -> str:
        """Get the packages that these words name, and unpack those that the machine lacks; why not, else empty."""
        got = self._call(words)
        if got.returncode:
            return last_lines(got.stderr, 1).strip()
        for package in (self.work / "archives").glob("*.deb"):
            if not self._installed(package):
                run(["dpkg-deb", "--extract", str(package), str(self.tree)])
            package.unlink()
        lacking = [program for program in programs if not self._wrap(program)]
        return f"the package has no program {', '.join(lacking)}" if lacking else ""

    def _call(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        # `download` writes to where it is run.
        argv = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(self.work / "archives"), "apt-get", "-qq"]
        return run([*argv, *words], limit=300, env={"APT_CONFIG": str(self.conf)})

    def _installed(self, package: Path) -> bool:
        # An upgrade of what is there would only be in the way: the system's own has to do.
        if self.tree.name != "system":
            return False
        name = run(["dpkg-deb", "--field", str(package), "Package"]).stdout.strip()
        return "ok installed" in run(["dpkg-query", "--show", "--showformat", "${Status}", name]).stdout

    def _wrap(self, program: str) -> bool:
        """Make the program callable, if the packages brought it."""
        for folder in ("usr/bin", "usr/sbin", "bin", "usr/libexec/docker/cli-plugins"):
            real = Path(folder, program.removeprefix("newer-"))
            if (self.tree / real).exists():
                wrapper = CLIENTS / "bin" / program
                wrapper.parent.mkdir(exist_ok=True)
                wrapper.write_text(WRAPPER.format(tree=self.tree.name, program=real))
                wrapper.chmod(0o755)
                return True
        return False


if __name__ == "__main__":
    sys.exit(main())
