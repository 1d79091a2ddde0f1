"""Parts of the Analytics screen."""
