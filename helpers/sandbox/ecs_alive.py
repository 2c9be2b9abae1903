"""Which tasks and services of ECS are alive: rows that are read at the start, when ECS itself is not loaded.

After a kill their containers may still be there.
"""

from .store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS ecs_alive (arn TEXT PRIMARY KEY)
"""


def is_there(store: Store) -> bool:
    """Whether an earlier run left something alive."""
    reader = store.read()
    if not reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'ecs_alive'").fetchone():
        return False
    return reader.execute("SELECT 1 FROM ecs_alive LIMIT 1").fetchone() is not None


def mark(store: Store, arn: str, alive: bool) -> None:
    """Note whether this task or service is alive."""
    with store.change() as db:
        db.execute("DELETE FROM ecs_alive WHERE arn = ?", (arn,))
        if alive:
            db.execute("INSERT INTO ecs_alive VALUES (?)", (arn,))
