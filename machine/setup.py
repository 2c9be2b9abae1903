"""`make setup`: from a machine with Python to one that can run the course, doing only what is missing."""

import sys
from concurrent.futures import ThreadPoolExecutor

from machine import aws_cli, base_image, debian, engine, engine_check, venv
from machine.say import Stop, say


def main() -> int:
    """Set up, and return the exit code."""
    try:
        set_up()
    except Stop as stop:
        say(str(stop))
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted. Run the same make again to continue.")
        return 130
    return 0


def set_up() -> None:
    """Set up each part in order; Stop if one fails."""
    if sys.platform == "win32":
        raise Stop("On Windows the course runs inside WSL2: open a WSL2 terminal and run make there.")
    debian.install({**venv.missing(), **engine.missing()})
    with ThreadPoolExecutor() as executor:  # packages and base image take about a minute each
        packages = executor.submit(_ensure_packages)
        version, platform = engine.ensure()
        image = base_image.ensure(platform)
        packages.result()
    _check_engine()
    say(
        f"Ready: .venv, Docker engine {version}, "
        f"base image {base_image.NAME}{' (a stand-in)' if image.is_stand_in else ''}"
    )


def _ensure_packages() -> None:
    venv.ensure()
    aws_cli.ensure()  # with the pip of .venv


def _check_engine() -> None:
    try:
        engine_check.check()
    except engine_check.Offline as offline:  # everything but the builds of the lessons works
        say(str(offline))
    except engine_check.Broken as broken:
        raise Stop(f"{broken}. After that, run the same make again.") from None


if __name__ == "__main__":
    sys.exit(main())
