"""Conversations that are kept: those of programs, recorded where their key says so, and one list of all of them."""
