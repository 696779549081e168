"""What lies on disk: paths, profile names, config, secrets, locks, status files."""
