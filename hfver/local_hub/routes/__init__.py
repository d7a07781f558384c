"""One module per group of routes; each offers ``routes(...)``."""
