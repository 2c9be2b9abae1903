"""Notices a damaged schema: SQLite stores the names of columns as text, and reads a damaged one as another name.

Source: https://www.sqlite.org/fileformat2.html#storage_of_the_sql_database_schema.
"""

import sqlite3
from contextlib import closing
from pathlib import Path


def require_columns(connection: sqlite3.Connection, path: Path, schema: str) -> None:
    """Raise ValueError if a table does not have the columns of *schema*; *path* is the file, for the message."""
    with closing(sqlite3.connect(":memory:")) as right:
        right.executescript(schema)
        for (table,) in right.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = f"SELECT name FROM pragma_table_info('{table}')"
            if missing := {*right.execute(columns)} - {tuple(row) for row in connection.execute(columns)}:
                raise ValueError(
                    f"The state file {path} is damaged: its table {table} has no column {sorted(missing)[0][0]}. "
                    "Restore a copy of the file, or use another state folder."
                )
