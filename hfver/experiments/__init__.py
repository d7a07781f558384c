"""Records of training runs: what is written down, found again and compared."""
