"""The navigation on the left: its sections, and in each the pages with their paths."""

NAVIGATION = [
    (
        "Private registry",
        [
            ("Repositories", "/ecr/private-registry/repositories"),
            ("Permissions", "/ecr/private-registry/permissions"),
            ("Scanning", "/ecr/private-registry/scanning"),
            ("Blob mounting", "/ecr/private-registry/blob-mounting"),
            ("Replication", "/ecr/private-registry/replication"),
            ("Pull through cache", "/ecr/private-registry/pull-through-cache"),
            ("Repository creation templates", "/ecr/private-registry/creation-templates"),
        ],
    ),
    ("Public registry", [("Public repositories", "/ecr/public-registry/repositories")]),
    (
        "IAM",
        [
            ("User groups", "/iam/groups"),
            ("Users", "/iam/users"),
            ("Roles", "/iam/roles"),
            ("Policies", "/iam/policies"),
            ("Access denied", "/iam/access-denied"),
        ],
    ),
    ("Amazon ECS", [("Clusters", "/ecs/clusters"), ("Task definitions", "/ecs/task-definitions")]),
    ("Amazon EventBridge", [("Events", "/eventbridge/events")]),
    ("Billing", [("Bills", "/billing")]),
]

# The pages below an entry whose addresses do not begin with its path.
BELOW = {
    "/ecr/repositories/private/": "/ecr/private-registry/repositories",
    "/ecr/create-repository": "/ecr/private-registry/repositories",
    "/ecr/repositories/public/": "/ecr/public-registry/repositories",
    "/ecs/create-task-definition": "/ecs/task-definitions",
}

# The pages of one repository: name, and what follows its path.
REPOSITORY_PAGES = [
    ("Images", ""),
    ("Permissions", "/_/permissions"),
    ("Lifecycle policy", "/_/lifecycle-policy"),
    ("Edit", "/_/edit"),
]


def entry_of(path: str) -> str:
    """The path of the entry that the page at *path* is below, or *path* itself."""
    entries = {entry: entry for _, pages in NAVIGATION for _, entry in pages}
    starts = {f"{start}/": entry for start, entry in entries.items()} | BELOW
    return next((entry for start, entry in starts.items() if path.startswith(start)), path)
