"""What a browser sees: HTML made on the server, one stylesheet, no script."""
