"""Chat-platform adapters, found through the entry-point group ``hermes_trio.adapters``."""
