"""What a timeline is: a Redis list of ids per active viewer, rebuilt from the stores whenever needed."""
