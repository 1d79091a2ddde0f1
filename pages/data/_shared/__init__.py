"""What several screens of this wing share: uploads, drafts, the form of a new dataset, the card of a created one."""
