"""The AWS APIs: protocols, validation, transactions, and dispatch to moto or to a service of the sandbox's own."""
