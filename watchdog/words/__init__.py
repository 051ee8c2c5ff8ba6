"""What alerts say, one file for each language: ``en.py``, ``ko.py``, …"""
