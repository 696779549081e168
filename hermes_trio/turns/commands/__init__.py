"""Slash commands of chats: each family in a file of its own, `registry` names them all."""
