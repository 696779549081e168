"""The one HTTP listener and what it serves."""
