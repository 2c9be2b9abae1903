"""Tries to break what the course promises on AWS: it touches nothing of others, and clean-up leaves nothing.

    python -m machine.break_it [--seed NUMBER] [--kills NUMBER] [--slow NUMBER]

As `make rehearse`, on a private machine. First each name of the course is taken by somebody else. Then learners are
killed at random moments, and clean up; meanwhile, AWS is slow for some of them.
"""

import argparse
import os
import random
import sys
import time
from pathlib import Path

from machine import (
    foreign,
    foreign_here,
    inventory,
    kills,
    newer_engine,
    private_machine,
    rehearse,
    run_on_aws,
    taken_names,
)
from machine.commands import run
from machine.say import say

COMMAND = [sys.executable, "-m", "machine.break_it"]
INSIDE = "--inside"


def main(arguments: list[str]) -> int:
    """Run it with these arguments, and return the exit code; 0 with a reason if there can be no private machine."""
    parser = argparse.ArgumentParser(prog="python -m machine.break_it", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--kills", type=int, default=20, help="how many learners are killed")
    parser.add_argument("--slow", type=int, default=4, help="for how many of them AWS is slow")
    parser.add_argument("--only", type=int, action="append", help="only this moment, and no taken names")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        with rehearse.private_aws(slow=False) as (folder, environ):
            os.environ.update(environ)
            return _break(folder, options)
    try:
        newer_engine.check_available()
    except private_machine.Unavailable as unavailable:
        say(f"SKIPPED: this needs a private machine, and {unavailable}.")
        return 0
    rehearse.only_on_a_private_machine()
    return newer_engine.main([*COMMAND, INSIDE, *arguments, "--seed", str(options.seed)])


def _break(folder: Path, options: argparse.Namespace) -> int:
    """As the learner, on the private machine."""
    problems, start = [], time.monotonic()
    run(run_on_aws.CLEAN_UP)  # what an earlier run left in the engine
    foreign.plant()
    foreign_here.plant()
    say(f"Seed {options.seed}")
    try:
        before = inventory.take(Path.home())
        if not options.only:
            for problem in taken_names.problems():
                say(f"✗ {problem}")
                problems.append(problem)
            say(f"{len(taken_names.TAKEN)} names that were taken: {len(problems)} problems.")
        slow_from = options.kills - options.slow
        for moment in kills.moments(options.seed, options.kills):
            if moment.number == slow_from + 1:
                _make_slow(folder)
            if options.only and moment.number not in options.only:
                continue
            for problem in kills.problems(moment, folder, before):
                say(f"✗ {problem}")
                problems.append(problem)
    finally:
        foreign_here.remove()
    minutes = (time.monotonic() - start) / 60
    say(f"{len(before)} things of others, {options.kills} kills, {minutes:.0f} minutes: {len(problems)} problems.")
    return int(bool(problems))


def _make_slow(folder: Path) -> None:
    """Start the sandbox that is AWS again, on the same state and as slow as AWS."""
    import ecr_sandbox

    ecr_sandbox.stop(rehearse.aws(folder, slow=False))
    ecr_sandbox.start(rehearse.aws(folder, slow=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
