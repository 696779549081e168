"""Replies to platforms: targets, formatting, splitting, growing messages, files, and the worker that sends."""
