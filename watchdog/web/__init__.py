"""What the daemon serves: the control socket."""
