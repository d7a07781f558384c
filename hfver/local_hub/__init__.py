"""A Hub on loopback for machines without one. Across the wire: nothing here imports the rest of hfver."""
