"""Command line -> plan: plugins, options, files and everything that a result depends on."""
