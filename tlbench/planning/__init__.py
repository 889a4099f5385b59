"""From a request to a plan: plugins, options, files and everything else that a result depends on."""
