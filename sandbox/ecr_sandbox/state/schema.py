"""The tables of the state file that every start needs, and how those of an older version become this version's.

Services that are loaded later add tables of their own (``Store.add``).
"""

import sqlite3
from pathlib import Path

from .columns import require_columns

VERSION = 4
SCHEMA = """
CREATE TABLE IF NOT EXISTS backends (
    service TEXT, account TEXT, region TEXT, pickle BLOB NOT NULL,
    PRIMARY KEY (service, account, region)
);
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY,
    account TEXT, region TEXT, repository TEXT, digest TEXT,
    manifest TEXT NOT NULL, media_type TEXT NOT NULL, artifact_type TEXT, size INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL, subject TEXT,
    last_pulled INTEGER, storage_class TEXT NOT NULL DEFAULT 'STANDARD', archived_at INTEGER, activated_at INTEGER,
    UNIQUE (account, region, repository, digest)
);
CREATE INDEX IF NOT EXISTS images_by_push ON images (account, region, repository, id, digest);
CREATE INDEX IF NOT EXISTS images_of_subject ON images (account, region, repository, subject)
    WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS last_image (only INTEGER PRIMARY KEY CHECK (only = 1), id INTEGER NOT NULL);
INSERT OR IGNORE INTO last_image VALUES (1, 0);
CREATE TABLE IF NOT EXISTS tags (
    account TEXT, region TEXT, repository TEXT, tag TEXT, image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    PRIMARY KEY (account, region, repository, tag)
);
CREATE INDEX IF NOT EXISTS tags_by_image ON tags (image, tag);
CREATE TABLE IF NOT EXISTS children (
    parent INTEGER NOT NULL REFERENCES images ON DELETE CASCADE, digest TEXT,
    PRIMARY KEY (parent, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parents ON children (digest);
CREATE TABLE IF NOT EXISTS blobs (
    account TEXT, region TEXT, repository TEXT, digest TEXT, size INTEGER NOT NULL, uses INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archived_blobs (
    account TEXT, region TEXT, repository TEXT, digest TEXT, uses INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, digest)
) WITHOUT ROWID;
"""
# Before version 1, the blobs of an image were in its manifest only.
FROM_VERSION_0 = """
ALTER TABLE images ADD COLUMN subject TEXT;
{schema}
INSERT INTO children SELECT DISTINCT images.id, json_extract(child.value, '$.digest')
    FROM images, json_each(manifest, '$.manifests') AS child;
INSERT INTO blobs SELECT account, region, repository, json_extract(blob.value, '$.digest'),
    max(json_extract(blob.value, '$.size')), count(DISTINCT images.id)
    FROM images, json_each(
        json_insert(json_extract(manifest, '$.layers'), '$[#]', json(json_extract(manifest, '$.config')))
    ) AS blob WHERE json_extract(blob.value, '$.digest') IS NOT NULL
    GROUP BY account, region, repository, json_extract(blob.value, '$.digest');
"""
# Before version 2, pulls were not recorded, and images could not be archived.
FROM_VERSION_1 = """
ALTER TABLE images ADD COLUMN last_pulled INTEGER;
ALTER TABLE images ADD COLUMN storage_class TEXT NOT NULL DEFAULT 'STANDARD';
ALTER TABLE images ADD COLUMN archived_at INTEGER;
ALTER TABLE images ADD COLUMN activated_at INTEGER;
"""
# Before version 3 the program that stored the blobs had the uploads too; these have to start again.
FROM_VERSION_2 = "DROP TABLE IF EXISTS uploads;"
# Before version 4 a list of images read their rows, because the indexes had no digest and no tag.
FROM_VERSION_3 = "DROP INDEX IF EXISTS images_in_order; DROP INDEX IF EXISTS tags_of_image;"


def bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in the state file *path*, or change those of an older version, in one transaction.

    Raises ValueError if a newer version of the sandbox made the file, or if a table does not have its columns.
    """
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ValueError(
            f"The state in {path.parent} was made by a newer version of the sandbox. Update it, "
            "or use another state folder."
        )
    old = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'images'").fetchone() is not None
    every = [FROM_VERSION_0.format(schema=SCHEMA), FROM_VERSION_1, FROM_VERSION_2, FROM_VERSION_3]
    steps = every[version:] if old else []
    connection.executescript(f"BEGIN IMMEDIATE; {''.join(steps)} {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    require_columns(connection, path, SCHEMA)
