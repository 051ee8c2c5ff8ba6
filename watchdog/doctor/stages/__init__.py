"""The boxes of the flowchart, each with the rules for when its answer is bad."""
