"""hermes-trio: one Trio process that serves many isolated LLM-agent profiles."""

__version__ = "0.1.0"
