"""What ECS left in the engine: rows that the sandbox reads when it starts, before it loads ECS.

After a kill, containers of tasks and the images that were pulled for them may remain.
"""

from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS ecs_alive (arn TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ecs_brought (image TEXT PRIMARY KEY)
"""


def has_leftovers(store: Store) -> bool:
    """Whether an earlier run left something."""
    reader = store.read()
    if not reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'ecs_brought'").fetchone():
        return False
    left = "SELECT 1 FROM ecs_alive UNION ALL SELECT 1 FROM ecs_brought LIMIT 1"
    return reader.execute(left).fetchone() is not None


def mark(store: Store, arn: str, alive: bool) -> None:
    """Record whether this task or service is active."""
    with store.change() as db:
        db.execute("DELETE FROM ecs_alive WHERE arn = ?", (arn,))
        if alive:
            db.execute("INSERT INTO ecs_alive VALUES (?)", (arn,))


def record_image(store: Store, image: str, there: bool) -> None:
    """Record whether the engine has this image, which was pulled for a task."""
    with store.change() as db:
        db.execute("DELETE FROM ecs_brought WHERE image = ?", (image,))
        if there:
            db.execute("INSERT INTO ecs_brought VALUES (?)", (image,))


def pulled_images(store: Store) -> set[str]:
    """The images that were pulled for tasks."""
    return {row["image"] for row in store.read().execute("SELECT image FROM ecs_brought")}
