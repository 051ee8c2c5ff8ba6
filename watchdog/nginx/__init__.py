"""nginx: what ``nginx -T``, ``nginx -t`` and its error log say, understood. No I/O."""
