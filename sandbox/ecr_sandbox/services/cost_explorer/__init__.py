"""The bill: a meter of what is kept and what goes out, priced, and told as Cost Explorer tells it."""
