"""What services, nginx and the journal have written, read by time and merged."""
