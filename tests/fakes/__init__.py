"""Stand-ins: hubs and web servers on 127.0.0.1, tiny checkpoints, plugins with faults, and a process to be killed.

A test imports them as `from fakes.model_hub import Hub, serve`. `plugins/` holds modules that `support.install` copies
into a site folder; nothing imports them from here.
"""
