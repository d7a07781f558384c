"""The configs repository beside a model: it follows branches, and has every release under the same tag."""
