"""This host as it is: who listens, which units run, where nginx leads."""
