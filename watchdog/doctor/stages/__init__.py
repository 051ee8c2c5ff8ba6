"""The boxes of the flowchart, a module each."""
