"""The two configuration files: schema, reading with positions, resolved values. See `hfver.config.load`."""
