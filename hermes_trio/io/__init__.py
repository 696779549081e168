"""The leaf resources a scope owns: database, HTTP client, log sinks, worker threads, clock."""
