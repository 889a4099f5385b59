"""A complete plugin of small data, small networks and one strategy: a full run takes a fraction of a second.

It is an example to read, and what the conformance suites run plugins on. No entry point names it, so that users do not
see it: `load_catalog(also=[toy_candidate()])` loads it.
"""

from tlbench.testing.toy.candidate import toy_candidate

__all__ = ["toy_candidate"]
