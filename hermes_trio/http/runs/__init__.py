"""Runs: turns that go on without the request that started them, watched and steered by their ids."""
