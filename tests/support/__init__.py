"""What several test files share: the test's own world and the embedded hub."""
