"""What an agent can do: registry, terminal, files, memory, skills, search, web, MCP."""
