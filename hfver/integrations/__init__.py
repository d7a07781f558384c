"""hfver inside training frameworks. Each module needs its framework, which hfver itself does not."""
