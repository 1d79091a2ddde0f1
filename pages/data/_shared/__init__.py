"""What several screens of this wing share: the form of a new dataset, and the card of one that was created."""
