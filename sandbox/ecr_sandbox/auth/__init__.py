"""Authentication: Signature Version 4 of the AWS APIs, and the registry's password."""
