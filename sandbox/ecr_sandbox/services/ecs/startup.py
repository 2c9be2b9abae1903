"""What ECS has in the engine: rows that are read at the start of the sandbox, when ECS itself is not loaded.

After a kill the containers of tasks may still be there, and the images that were brought for them.
"""

from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS ecs_alive (arn TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ecs_brought (image TEXT PRIMARY KEY)
"""


def is_there(store: Store) -> bool:
    """Whether an earlier run left something."""
    reader = store.read()
    if not reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'ecs_brought'").fetchone():
        return False
    left = "SELECT 1 FROM ecs_alive UNION ALL SELECT 1 FROM ecs_brought LIMIT 1"
    return reader.execute(left).fetchone() is not None


def mark(store: Store, arn: str, alive: bool) -> None:
    """Note whether this task or service is alive."""
    with store.change() as db:
        db.execute("DELETE FROM ecs_alive WHERE arn = ?", (arn,))
        if alive:
            db.execute("INSERT INTO ecs_alive VALUES (?)", (arn,))


def note_image(store: Store, image: str, there: bool) -> None:
    """Note whether this image, which was not in the engine before a task needed it, is there."""
    with store.change() as db:
        db.execute("DELETE FROM ecs_brought WHERE image = ?", (image,))
        if there:
            db.execute("INSERT INTO ecs_brought VALUES (?)", (image,))


def brought(store: Store) -> set[str]:
    """The images that were brought for tasks."""
    return {row["image"] for row in store.read().execute("SELECT image FROM ecs_brought")}
