"""Notices changes in SQLite's write-ahead log that SQLite cannot read: it takes a damaged frame as the end of the log.

A power failure may leave such frames of changes that were not acknowledged, so the log is kept and reported, and the
start goes on. Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

import shutil
import sqlite3
import struct
import sys
from pathlib import Path

HEADER, FRAME = struct.Struct(">8I"), struct.Struct(">6I")
PAGE_SIZES, USUAL_PAGE_SIZE = {2**exponent for exponent in range(9, 17)}, 4096  # bytes
PAGE_SIZE, SALTS = 2, slice(4, 6)  # of the header's numbers
COMMIT, SALTS_OF_FRAME = 1, slice(2, 4)  # of a frame's numbers; COMMIT is 0 in all but the last frame of a change


def committed(log: Path) -> int:
    """The number of the last frame in the file *log* that ends a change; 0 if there is none, or no *log*."""
    last = 0
    try:
        with log.open("rb") as file:
            header = HEADER.unpack(file.read(HEADER.size))
            salts = {header[SALTS]}  # and the first frame's, in case that the header is what is damaged
            page = header[PAGE_SIZE] if header[PAGE_SIZE] in PAGE_SIZES else USUAL_PAGE_SIZE
            whole = (log.stat().st_size - HEADER.size) // (FRAME.size + page)
            for number in range(1, whole + 1):
                values = FRAME.unpack(file.read(FRAME.size))
                salts |= {values[SALTS_OF_FRAME]} if number == 1 else set()
                if values[COMMIT] and values[SALTS_OF_FRAME] in salts:  # other frames are of an earlier log
                    last = number
                file.seek(page, 1)
    except (OSError, struct.error):
        pass
    return last


def keep_if_damaged(log: Path, kept: Path, expected: int, connection: sqlite3.Connection) -> None:
    """Copy *log* to *kept* and print that, if *connection* reads fewer frames of it than are *expected*."""
    [_, known, _] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if known < expected:
        shutil.copyfile(log, kept)
        print(f"The log {log} is damaged: the newest changes could not be read. It is kept as {kept}.", file=sys.stderr)
