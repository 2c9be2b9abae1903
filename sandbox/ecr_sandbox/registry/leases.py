"""Leases: the blobs that a client counts on before any image uses them.

A push asks for each blob whether it is there, uploads or mounts what is missing, and names all of them in the manifest
at its end. Between the first answer and the manifest no image uses these blobs, and garbage collection must leave them
alone. So each answer that lets a client count on a blob adds a lease to the repository's row for this blob, and a
manifest takes one lease of each of its blobs back. A blob with leases that are left belongs to a push that is under
way, or that was given up: it was given up when the repository has seen no lease and no upload for some time.

The age of a blob is not enough. A push may take an hour, so its first blob is then an hour old. And an image that was
pushed and deleted a minute ago must be freed, because nothing waits for its blobs.
"""

import json
import sqlite3
import time
from collections.abc import Collection

from ecr_sandbox.state.store import Store

from .references import HERE, Key


def grant(db: sqlite3.Connection, key: Key, digest: str) -> None:
    """Note that the repository has the blob and that a client counts on it."""
    db.execute(
        "INSERT INTO repository_blobs VALUES (?, ?, ?, ?, 1, ?)"
        " ON CONFLICT DO UPDATE SET leases = leases + 1, leased_at = excluded.leased_at",
        (*key, digest, time.time()),
    )


def renew(store: Store, key: Key, digest: str) -> bool:
    """Note that a client counts on a blob that the repository has; False if it does not have it any more.

    This is not synced: after a power failure the client has to ask again anyway. A full disk does not fail it either.
    """
    try:
        with store.change(sync=False) as db:
            done = db.execute(
                f"UPDATE repository_blobs SET leases = leases + 1, leased_at = ? WHERE {HERE} AND digest = ?",
                (time.time(), *key, digest),
            )
            return done.rowcount > 0
    except sqlite3.OperationalError:
        return True


def redeem(db: sqlite3.Connection, key: Key, digests: Collection[str]) -> None:
    """Take back one lease of each of the *digests*, which an image names.

    Nothing happens unless all are leased: then the client did not ask for them, it only knows the manifest.
    """
    mine = f"{HERE} AND leases > 0 AND digest IN (SELECT value FROM json_each(?))"
    values = (*key, json.dumps(sorted(digests)))
    [leased] = db.execute(f"SELECT count(*) FROM repository_blobs WHERE {mine}", values).fetchone()
    if leased == len(digests):
        db.execute(f"UPDATE repository_blobs SET leases = leases - 1 WHERE {mine}", values)


def drop_unused(db: sqlite3.Connection, since: float, busy: Collection[Key]) -> None:
    """Delete the rows of blobs that no image uses and no push waits for.

    A push waits for leased blobs if its repository is *busy* with an upload, or granted a lease after the Unix time
    *since*.
    """
    db.execute(
        """
        WITH waiting AS (
            SELECT account, region, repository FROM repository_blobs
            GROUP BY account, region, repository HAVING max(leased_at) > ?
            UNION SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
            FROM json_each(?)
        )
        DELETE FROM repository_blobs
        WHERE NOT EXISTS (
            SELECT 1 FROM blobs AS used WHERE used.account = repository_blobs.account
            AND used.region = repository_blobs.region AND used.repository = repository_blobs.repository
            AND used.digest = repository_blobs.digest
        )
        AND (leases = 0 OR (account, region, repository) NOT IN waiting)
        """,
        (since, json.dumps(sorted(busy))),
    )
