"""The console as a process: who may open it, how a stack starts it, and what it opens itself."""
