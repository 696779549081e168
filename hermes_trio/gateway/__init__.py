"""The nursery tree: root, table of profiles, supervision, runtime, capacity."""
