"""All measures of a notebook: ``python -m tests.notebooks.measure [NN… | FILE…]``; exits with 1 if one is missed."""

import sys

from tests.notebooks import english, limits, minutes, shape


def main(arguments: list[str]) -> int:
    """Print English, shape, limits and minutes of the named notebooks."""
    return max([check.main(arguments) for check in (english, shape, limits, minutes)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
