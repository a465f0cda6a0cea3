"""The web page for ML engineers and product teams: compare feeds, look after models, see how it runs."""
