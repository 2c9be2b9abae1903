"""HTTP: the server, its limits, host and origin checks, middleware, ports and addresses. No AWS and no registry."""
