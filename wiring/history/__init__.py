"""What `rankfeed report` says of somebody's own history, and what that history cannot tell."""
