"""Who may talk to a profile: allowlists, pairing, groups, commands."""
