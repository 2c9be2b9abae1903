"""``python -m ecr_sandbox`` is the command ``ecr-sandbox``, also where that is not on PATH."""

from ecr_sandbox.cli import main

main()
