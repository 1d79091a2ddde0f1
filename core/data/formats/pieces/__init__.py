"""Where a file can be cut between records without reading them, so that several processes can share the reading."""
