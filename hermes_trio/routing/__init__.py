"""From a message's source to its session key. Pure functions."""
