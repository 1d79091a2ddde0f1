"""Tables, migrations and the unit of work. The only room that imports SQLModel."""
