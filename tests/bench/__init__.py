"""How fast the project is: `make bench`. __main__.py says how to call it."""
