"""The AWS services and Docker Hub, one folder each. They do not import each other; ``app.py`` connects them."""
