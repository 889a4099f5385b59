"""The parts of an encoder from input to output, for methods that treat layers differently."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """Return the blocks of a module: disjoint submodules that have parameters, in the order of registration.

    These modules are opened, that is, replaced by their children: the module itself; a `Sequential` and a `ModuleList`;
    a module without own parameters whose only child with parameters is composite; a module that contains a stack (a
    `Sequential` or a `ModuleList` of composite modules of one class, such as the layers of a transformer). Everything
    else is a block. `Encoder.blocks` calls this; an override can call it for a part of the encoder.
    """
    children = _children(module)
    if len(children) == 1 and not list(module.parameters(recurse=False)):
        return blocks_of(children[0])
    return [block for child in children for block in _opened(child)] or [module]


def outside_blocks(encoder: nn.Module, blocks: Sequence[nn.Module]) -> list[nn.Parameter]:
    """Return the parameters of an encoder that belong to none of its blocks.

    Examples are the class token and the position embedding of a vision transformer. They act at the input, so a method
    that gives each block its own rate can treat them like the first block.
    """
    inside = {id(parameter) for block in blocks for parameter in block.parameters()}
    return [parameter for parameter in encoder.parameters() if id(parameter) not in inside]


def _opened(module: nn.Module) -> list[nn.Module]:
    children = _children(module)
    wrapper = len(children) == 1 and _children(children[0]) and not list(module.parameters(recurse=False))
    if children and (wrapper or isinstance(module, nn.Sequential | nn.ModuleList) or _contains_stack(module)):
        return [block for child in children for block in _opened(child)]
    return [module]


def _children(module: nn.Module) -> list[nn.Module]:
    """Return the children that have parameters."""
    return [child for child in module.children() if any(True for _ in child.parameters())]


def _contains_stack(module: nn.Module) -> bool:
    return any(_is_stack(part) for part in module.modules() if isinstance(part, nn.Sequential | nn.ModuleList))


def _is_stack(container: nn.Module) -> bool:
    """Return whether all members are composite and of one class: layers of a network, not the parts of a layer."""
    members = _children(container)
    containers = nn.Sequential | nn.ModuleList
    if any(isinstance(member, containers) or not _children(member) for member in members):
        return False
    return len({type(member) for member in members}) == 1
