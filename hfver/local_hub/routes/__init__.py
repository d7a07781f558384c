"""One module of handlers per group of addresses, and the table of all addresses."""
