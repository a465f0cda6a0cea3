"""Settings, resources, processes, command line: the only place where everything meets."""
