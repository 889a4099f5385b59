"""What plugins and the host say to each other: specs, requests, raw data, options, hooks, events."""
