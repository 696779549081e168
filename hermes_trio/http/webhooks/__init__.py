"""The webhook platform: signed deliveries of other services become turns of a profile's agent, or messages."""
