"""What git records about DVC's outputs, read from git objects."""
