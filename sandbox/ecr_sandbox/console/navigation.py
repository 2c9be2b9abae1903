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

# The pages of one repository: name, and what follows its path.
REPOSITORY_PAGES = [
    ("Images", ""),
    ("Permissions", "/_/permissions"),
    ("Lifecycle policy", "/_/lifecycle-policy"),
    ("Edit", "/_/edit"),
]
