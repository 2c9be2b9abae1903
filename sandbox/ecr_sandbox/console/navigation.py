"""The navigation on the left: its sections, and in each the pages with their paths."""

NAVIGATION = [
    (
        "Private registry",
        [
            ("Repositories", "/ecr/private-registry/repositories"),
        ],
    ),
]

# The pages of one repository: name, and what follows its path.
REPOSITORY_PAGES = [
    ("Images", ""),
]
