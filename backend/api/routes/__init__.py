"""One module per resource; a handler opens nothing, it asks the request's resources and answers."""
