"""``/v1/chat/completions``: a conversation whose history the client keeps."""
