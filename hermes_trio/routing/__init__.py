"""From a message's source to the profile that answers it and to its session key. Pure functions."""
