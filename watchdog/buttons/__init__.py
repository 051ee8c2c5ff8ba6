"""The way in from Slack: buttons that people press under an alert, over Socket Mode."""
