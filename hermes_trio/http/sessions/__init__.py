"""``/api/sessions``: a profile's sessions as a resource."""
