"""What rules and questions look at: the unit, its log, its sockets, this host."""
