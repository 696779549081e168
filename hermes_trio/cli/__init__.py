"""The ``hermes-trio`` command. The only package that reads the process environment."""
