"""What a feature is: one definition of rows, their updates and the model's inputs, online and offline."""
