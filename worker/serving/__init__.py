"""Models that leave the studio: files for other servers, and what is published there."""
