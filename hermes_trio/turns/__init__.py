"""One turn: prompt, model stream, persistence."""
