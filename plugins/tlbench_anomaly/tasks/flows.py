"""Attacks among network flows: an office network as the source, a data centre with sampled export as the target.

Everything is generated from profiles of services and attacks, the same for every seed. No traffic was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tlbench import Array, LoadRequest, Side, Split, TaskData

LABELS = ("normal", "attack")
FEATURES = (
    "log-duration", "log-bytes-out", "log-bytes-in", "log-packets-out", "log-packets-in", "log-packet-size",
    "log-gap", "log-gap-variation", "syn", "reset", "tcp", "port-web", "port-name", "port-mail", "port-remote",
    "port-other", "log-flows", "log-ports", "log-hosts", "failures",
)  # fmt: skip
"""Logarithms are decimal, of s, bytes, packets and counts in the sender's last minute; the rest are ratios."""
PORTS = ("web", "name", "mail", "remote", "other")
SPREAD = np.array([2.0, 1.6, 1.6, 0.8, 0.8, 1.2, 0.6, 0.4, 1.6, 1.2, 1.6, 0.6])
"""How far flows of one profile scatter in each of its numbers, as a multiple of the network's noise."""
SEED = 20240613


class Profile(NamedTuple):
    """The middle of one kind of flow: logarithms and ratios as in `FEATURES`; sizes are of one packet."""

    duration: float
    packets_out: float
    packets_in: float
    size_out: float
    size_in: float
    gap_variation: float
    syn: float
    reset: float
    flows: float
    """This and the next two in decades above what is usual in the network."""
    ports: float
    hosts: float
    failures: float
    tcp: bool
    port: Array
    """Probability of each of `PORTS`."""


WEB, NAME, MAIL, REMOTE, OTHER = np.eye(5)
SERVICES = {
    "web": Profile(-0.3, 1.0, 1.1, 2.3, 2.9, 0.1, 0.12, 0.03, 0.1, 0.0, 0.2, 0.03, True, 0.9 * WEB + 0.1 * OTHER),
    "dns": Profile(-1.5, 0.1, 0.1, 1.8, 2.1, -0.2, 0.0, 0.0, 0.3, 0.0, 0.0, 0.04, False, NAME),
    "mail": Profile(0.3, 1.2, 1.1, 2.8, 2.0, 0.0, 0.08, 0.02, -0.2, 0.0, -0.1, 0.04, True, MAIL),
    "ssh": Profile(1.7, 2.0, 2.0, 2.0, 2.2, 0.2, 0.02, 0.02, -0.3, 0.0, -0.2, 0.06, True, REMOTE),
    "bulk": Profile(1.4, 2.6, 2.9, 2.5, 3.0, -0.3, 0.01, 0.01, -0.2, 0.0, -0.2, 0.02, True, 0.7 * OTHER + 0.3 * WEB),
    "video": Profile(2.0, 2.5, 3.3, 1.9, 3.1, -0.2, 0.01, 0.01, -0.2, 0.0, -0.2, 0.02, False, WEB),
    "rpc": Profile(-1.2, 0.6, 0.6, 2.3, 2.4, -0.1, 0.2, 0.03, 0.3, 0.1, 0.2, 0.03, True, OTHER),
    "telemetry": Profile(-0.8, 0.4, 0.1, 2.0, 1.6, -0.5, 0.0, 0.0, 0.1, 0.0, 0.0, 0.02, False, OTHER),
}
ATTACKS = {
    "scan": Profile(-1.8, 0.1, 0.0, 1.7, 1.6, 0.0, 0.8, 0.5, 1.0, 1.3, 0.6, 0.7, True, np.full(5, 0.2)),
    "flood": Profile(-1.4, 0.3, 0.0, 1.7, 1.7, -0.3, 0.9, 0.1, 1.6, 0.0, -0.3, 0.8, True, WEB),
    "brute-force": Profile(0.3, 1.2, 1.2, 2.0, 2.1, -0.2, 0.15, 0.15, 0.7, 0.0, 0.1, 0.6, True, REMOTE),
    "exfiltration": Profile(1.6, 3.0, 2.3, 3.1, 1.8, -0.3, 0.01, 0.01, -0.3, 0.0, -0.3, 0.03, True, (WEB + OTHER) / 2),
    "beacon": Profile(-0.3, 0.7, 0.6, 2.2, 2.2, -1.0, 0.2, 0.04, -0.1, 0.0, -0.3, 0.1, True, (WEB + OTHER) / 2),
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where flows are recorded, and how."""

    services: Mapping[str, float]
    """Their parts of the normal flows."""
    prevalence: float
    """Part of the flows that are attacks."""
    usual: tuple[float, float, float]
    """Flows, ports and hosts of a sender in a minute, in decades."""
    noise: float
    """Standard deviation, in decades."""
    delay: float = 0.0
    """Decades by which flows last longer."""
    sampling: float = 0.0
    """Decades by which the export counts fewer packets; it counts one at least."""


OFFICE = Network(
    services={"web": 0.50, "dns": 0.22, "mail": 0.14, "ssh": 0.04, "bulk": 0.04, "video": 0.06},
    prevalence=0.10,
    usual=(0.8, 0.3, 0.4),
    noise=0.25,
)
DATA_CENTRE = Network(
    services={"web": 0.10, "dns": 0.12, "ssh": 0.10, "bulk": 0.16, "rpc": 0.32, "telemetry": 0.20},
    prevalence=0.05,
    usual=(1.5, 0.7, 0.9),
    noise=0.35,
    delay=0.55,
    sampling=0.7,
)
QUIETEST = 0.1
"""An attack is a mixture of its profile with a service it hides among: this part of it at least is its own."""


def load(request: LoadRequest) -> TaskData:
    """Generate all flows, the same for every call."""
    random = np.random.default_rng(SEED)
    source, target = (
        Side(labels=LABELS, train=record(network, train, random), test=record(network, test, random))
        for network, train, test in ((OFFICE, 4000, 3000), (DATA_CENTRE, 4000, 4000))
    )
    return TaskData(source=source, target=target, columns=FEATURES)


def load_normal(request: LoadRequest) -> TaskData:
    """Generate normal flows of both networks, and attacks in the target's test alone; source labels are services."""
    random = np.random.default_rng(SEED + 1)
    quiet, office = replace(DATA_CENTRE, prevalence=0.0), replace(OFFICE, prevalence=0.0)
    train, test = (
        Split(inputs=rows, labels=service) for rows, _, service in (draw(office, n, random) for n in (3000, 1000))
    )
    target = Side(labels=LABELS, train=record(quiet, 2000, random), test=record(DATA_CENTRE, 2000, random))
    source = Side(labels=tuple(OFFICE.services), train=train, test=test)
    return TaskData(source=source, target=target, columns=FEATURES)


def record(network: Network, size: int, random: np.random.Generator) -> Split:
    """Return rows `(N, 20)` float32 of a network's flows, in random order, and whether each is an attack."""
    rows, attack, _ = draw(network, size, random)
    return Split(inputs=rows, labels=attack)


def draw(network: Network, size: int, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return rows `(N, 20)` float32, whether each is an attack, and the service it is of or hides among."""
    attack = random.permutation(np.arange(size) < round(size * network.prevalence))
    profiles = [*(SERVICES[name] for name in network.services), *ATTACKS.values()]
    hidden = random.choice(len(network.services), size, p=list(network.services.values()))
    kind = np.where(attack, len(network.services) + random.integers(len(ATTACKS), size=size), hidden)
    own = np.where(attack, random.uniform(QUIETEST, 1, size), 1.0)[:, None]
    middles = np.array([profile[:12] for profile in profiles])
    drawn = own * middles[kind] + (1 - own) * middles[hidden]
    drawn = drawn + network.noise * SPREAD * random.standard_normal(drawn.shape)
    tcp = np.array([profile.tcp for profile in profiles])[kind]
    chances = np.cumsum([profile.port for profile in profiles], axis=1)[kind]
    port = (random.random((size, 1)) > chances).sum(1).clip(max=len(PORTS) - 1)
    return export(drawn, tcp, port, network), attack.astype(np.int64), hidden


def export(drawn: Array, tcp: Array, port: Array, network: Network) -> Array:
    """Return features `(N, 20)` float32 as the network's export shows flows `(N, 12)` of a profile's numbers."""
    duration, packets_out, packets_in, size_out, size_in, variation, syn, reset, flows, ports, hosts, failures = drawn.T
    duration = duration + network.delay
    packets_out, packets_in = (np.maximum(packets - network.sampling, 0) for packets in (packets_out, packets_in))
    packets = np.log10(10**packets_out + 10**packets_in)
    bytes_out, bytes_in = packets_out + size_out, packets_in + size_in
    size = np.log10(10**bytes_out + 10**bytes_in) - packets
    window = [np.maximum(seen + usual, 0) for seen, usual in zip((flows, ports, hosts), network.usual, strict=True)]
    syn, reset, failures = (np.clip(ratio, 0, 1) for ratio in (syn * tcp, reset * tcp, failures))
    columns = [duration, bytes_out, bytes_in, packets_out, packets_in, size, duration - packets, variation, syn, reset]
    return np.stack([*columns, tcp, *np.eye(len(PORTS))[port].T, *window, failures], 1).astype(np.float32)
