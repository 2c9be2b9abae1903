"""What the scan of one image may cost. An image that needs more ends as ECR's UnsupportedImageError.

AWS publishes no such limits; these are the sandbox's. They leave room for every image that a container engine can run
in practice, and keep the scan's process below ``MEMORY``, also where the system does not enforce a limit (macOS).
"""

# Of an image
BYTES = 20 << 30  # decompressed
READ_BYTES = 256 << 20  # of these: headers (512 bytes for each file, and its long name) and files that list packages
LONGEST_HEADER = 128 << 10  # bytes of a long name, or of a file's extended attributes
LONGEST_PATH = 4096  # characters; Linux' PATH_MAX
KEPT_BYTES = 32 << 20  # what is kept of packages, and PACKAGE for each of them: about 60,000 packages
PACKAGE = 512
LONGEST_LIST = 32 << 20  # bytes of dpkg's status or apk's database
LONGEST_FILE = 4 << 20  # bytes of a file about one package
LONGEST_LINE = 256 << 10  # bytes of a line in these
LONGEST_FIELD = 4096  # characters of a name or a version
LONGEST_VERSION = 256  # characters; a longer one is not compared
FINDINGS = 10_000

# Of the process that scans it
MEMORY = 512 << 20  # bytes
CPU_SECONDS = 120
FIRST_CPU_SECONDS = 3  # of its first try; an image that needs more waits for other slow ones
SECONDS = 600  # until it counts as hanging
ANSWER_BYTES = 64 << 20  # of its answer


class TooMuch(Exception):
    """The image exceeds a limit; the message says which one."""


class Budget:
    """What is left of *most*, a number of *what*."""

    def __init__(self, most: int, what: str):
        self._left = self._most = most
        self._what = what

    def spend(self, amount: int) -> None:
        """Take *amount* away; raises TooMuch when nothing is left."""
        self._left -= amount
        if self._left < 0:
            raise TooMuch(f"it has more than {self._most} {self._what}")
