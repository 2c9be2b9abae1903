"""Runs tests with target `aws` as a learner of the account, cleans up, and compares the account with before.

    ECR_TUTORIAL_TARGET=aws python -m machine.run_on_aws ARGUMENTS OF pytest …

Used by the workflow `aws` on a maintainer's account. It is for an account that nothing else uses: what others make or
delete meanwhile is reported too. A rehearsal compares more, because it is an administrator of the account.
"""

import subprocess
import sys

from machine import arns
from machine.say import say

CLEAN_UP = (sys.executable, "-c", "from helpers.cli import main; main()", "cleanup")


def main(arguments: list[str]) -> int:
    """Run pytest with *arguments*; its exit code, else that of the clean-up, else 1 if the account has changed."""
    before = arns.listed()
    code = run_and_clean_up(arguments)
    after = arns.listed()
    for change, what in (("left in", after - before), ("deleted from", before - after)):
        for each in sorted(what):
            say(f"The course {change} the account: {each}")
    return code or int(after != before)


def run_and_clean_up(arguments: list[str]) -> int:
    """Run pytest with *arguments*, then the clean-up; the exit code of the first that failed, or 0."""
    codes = [subprocess.call([sys.executable, "-m", "pytest", *arguments]), subprocess.call(CLEAN_UP)]
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
