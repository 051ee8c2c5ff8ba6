"""What may be the cause: each rule is a function that sees it, or does not."""
