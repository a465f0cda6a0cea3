"""The HTTP API: authentication, validation, routes, and the form of every answer."""
