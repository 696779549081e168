"""Public helpers for tests: a whole gateway in process, on a mock clock, without a network."""
