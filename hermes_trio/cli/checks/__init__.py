"""What ``hermes-trio check`` looks at: everything that can be known about a home without connecting anywhere."""
