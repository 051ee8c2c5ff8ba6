"""nginx as it is configured: its syntax, and which server answers what."""
