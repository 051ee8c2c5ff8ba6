"""The manual pages and the completion of shells, made from the parsers and the configuration."""
