"""The packet filter: whether it lets a stranger's connection in, as far as rules can tell."""
