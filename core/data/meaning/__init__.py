"""What examples are about: vectors of their inputs, and from them similar pairs, topics, and held-out inputs that
training knows in other words. Meaning is a hint for a person: nothing is removed because of it alone."""
