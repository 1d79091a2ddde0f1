"""Real servers and small real handlers for the tests."""
