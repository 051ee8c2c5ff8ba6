"""Alerts on their way out: put into words once, then sent to Slack, by email, …"""
