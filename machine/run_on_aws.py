"""Runs tests with target `aws` as a learner of the account, cleans up, and compares the account with before.

    ECR_TUTORIAL_TARGET=aws python -m machine.run_on_aws ARGUMENTS OF pytest …

Used by a rehearsal, and by the workflow `aws` on a maintainer's account. It is for an account that nothing else uses:
what others make or delete meanwhile is reported too.
"""

import subprocess
import sys

from machine import account
from machine.say import say

CLEAN_UP = (sys.executable, "-c", "from helpers.cli import main; main()", "cleanup")


def main(arguments: list[str]) -> int:
    """Run pytest with *arguments*; its exit code, else that of the clean-up, else 1 if the account has changed."""
    before = account.contents()
    codes = [subprocess.call([sys.executable, "-m", "pytest", *arguments]), subprocess.call(CLEAN_UP)]
    after = account.contents()
    for change, what in (("left in", after - before), ("deleted from", before - after)):
        for each in sorted(what):
            say(f"The course {change} the account: {each}")
    return next(filter(None, codes), int(after != before))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
