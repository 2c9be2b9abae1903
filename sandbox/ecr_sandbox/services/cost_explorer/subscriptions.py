"""Enhanced scans are charged: the usage meter counts each one that could scan its image."""

from functools import partial

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import Inspected
from ecr_sandbox.registry.usage import Meter


def install(meter: Meter) -> None:
    """Subscribe to enhanced scans; call it once, before the first event."""
    events.subscribe(Inspected, partial(_count, meter))


def _count(meter: Meter, scan: Inspected) -> None:
    if scan.succeeded:
        meter.scanned(scan.account, scan.region, scan.repository, scan.first)
