"""What is in ``state.db``: schema, sessions, messages, routing index."""
