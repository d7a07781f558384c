"""The workflow around a training run: one step from its results to the Hub."""
