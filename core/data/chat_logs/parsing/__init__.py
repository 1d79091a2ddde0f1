"""What chat logs are made of: files and archives, tolerant JSON values, markup, times, and the order of messages."""
