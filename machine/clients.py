"""`make test` fetches further clients of the registry: Debian packages, unpacked and not installed.

The notebooks do not need them, so `make setup` does not fetch them. The system is not changed, root is not needed, and
`make clean` removes them. If they cannot be fetched, their tests are skipped, and a message names them.
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

# These use system libraries, so they come from the system's release: program → package. `ip` simulates Docker Desktop;
# slirp4netns and runc are for the newer engine; chromium shows the web console and the site.
OF_THE_SYSTEM = {
    "skopeo": "skopeo",
    "podman": "podman",
    "buildah": "buildah",
    "ip": "iproute2",
    "ss": "iproute2",
    "slirp4netns": "slirp4netns",
    "runc": "runc",
    "chromium": "chromium",
}
# These need only a C library of 2021 or later, so one release works on every system: program → package/release.
# The newer engine stores images in containerd, as new installations do; `machine.newer_engine` and tests start it.
OF_DEBIAN = {
    "oras": "oras/trixie",
    "docker-buildx": "docker-buildx/forky",
    "docker-compose": "docker-compose/forky",
    "newer-dockerd": "docker.io/forky",
    "newer-docker": "docker-cli/forky",
    "newer-containerd": "containerd/forky",
    "crane": "crane/forky",
    "docker-credential-ecr-login": "amazon-ecr-credential-helper/trixie",
}
RELEASES = ("trixie", "forky")

# The tree is found relative to the wrapper, so that the checkout can be moved.
WRAPPER = """#!/bin/sh
# {package}
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
    return on_path(program) or (str(fetched) if _is_current(program, fetched) else None)


def _is_current(program: str, fetched: Path) -> bool:
    """Whether the client was fetched, and from the package that is named above."""
    package = {**OF_THE_SYSTEM, **OF_DEBIAN}[program]
    return fetched.exists() and f"# {package}\n" in fetched.read_text()


def newer_folders() -> list[Path]:
    """The folders with the programs of the newer engine, under their own names, for PATH."""
    return [CLIENTS / "debian" / "usr" / "bin", CLIENTS / "debian" / "usr" / "sbin"]


def missing() -> list[str]:
    """The clients that are neither installed nor fetched."""
    return [program for program in (*OF_THE_SYSTEM, *OF_DEBIAN) if not find(program)]


def main() -> int:
    """Fetch what is missing, and print the result in one line; a failure does not prevent the tests."""
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
    """Fetch the clients; return why some could not be fetched, or an empty string."""
    if not (on_path("apt-get") and on_path("dpkg-deb")):
        return "they are fetched on Debian and Ubuntu only"
    failures = []
    if own := [program for program in programs if program in OF_THE_SYSTEM]:
        packages = [OF_THE_SYSTEM[program] for program in own]
        with _Apt("system") as apt:
            arguments = ["install", "--download-only", "--yes", "--no-install-recommends"]
            if apt.fetch(own, [*arguments, *packages]):
                failures += [apt.fetch([program], [*arguments, OF_THE_SYSTEM[program]]) for program in own]
    if theirs := [program for program in programs if program in OF_DEBIAN]:
        if not KEYRING.exists():
            failures.append("the package debian-archive-keyring, which checks Debian's packages, is not installed")
        elif (mirror := _mirror()) is None:
            failures.append("this machine does not get its packages from Debian's archive")
        else:
            with _Apt("debian", mirror) as apt:
                if apt.fetch(theirs, ["download", *(OF_DEBIAN[program] for program in theirs)]):
                    # apt fetches nothing if one package is missing.
                    failures += [apt.fetch([program], ["download", OF_DEBIAN[program]]) for program in theirs]
    return "; ".join(dict.fromkeys(filter(None, failures)))


def _mirror() -> str | None:
    """The Debian archive of this machine's package sources; None if they are not Debian's."""
    uris = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).stdout.split()
    return next((uri for uri in uris if uri.rstrip("/").endswith("/debian")), None)


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
            "Debug::NoLocking": "true",  # the lock belongs to root, and protects files that are not used here
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

    def fetch(self, programs: list[str], arguments: list[str]) -> str:
        """Download the packages and unpack those that are not installed; the error, or an empty string."""
        got = self._call(arguments)
        if got.returncode:
            return last_lines(got.stderr, 1).strip()
        for package in (self.work / "archives").glob("*.deb"):
            if not self._installed(package):
                run(["dpkg-deb", "--extract", str(package), str(self.tree)])
            package.unlink()
        lacking = [program for program in programs if not self._wrap(program)]
        return f"the package has no program {', '.join(lacking)}" if lacking else ""

    def _call(self, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
        # `download` writes to the current folder.
        argv = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(self.work / "archives"), "apt-get", "-qq"]
        return run([*argv, *arguments], limit=300, env={"APT_CONFIG": str(self.conf)})

    def _installed(self, package: Path) -> bool:
        # The installed version is used; a newer one is not unpacked.
        if self.tree.name != "system":
            return False
        name = run(["dpkg-deb", "--field", str(package), "Package"]).stdout.strip()
        return "ok installed" in run(["dpkg-query", "--show", "--showformat", "${Status}", name]).stdout

    def _wrap(self, program: str) -> bool:
        """Write a wrapper for the program, if the packages contain it."""
        for folder in ("usr/lib/chromium", "usr/bin", "usr/sbin", "bin", "usr/libexec/docker/cli-plugins"):
            real = Path(folder, program.removeprefix("newer-"))
            if (self.tree / real).exists():
                wrapper = CLIENTS / "bin" / program
                wrapper.parent.mkdir(exist_ok=True)
                package = {**OF_THE_SYSTEM, **OF_DEBIAN}[program]
                wrapper.write_text(WRAPPER.format(package=package, tree=self.tree.name, program=real))
                wrapper.chmod(0o755)
                return True
        return False


if __name__ == "__main__":
    sys.exit(main())
