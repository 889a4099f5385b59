"""Where pairings run: in this process, in children of a server on this machine, or on a Ray cluster."""
