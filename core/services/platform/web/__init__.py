"""What every server of the studio checks and notes about a request: addresses, bodies, one id per request."""
