"""State dicts as a flat list of named tensors and a description of what they hang from.

The description is JSON: null, booleans, numbers and strings are themselves, and an object of one
name is a tensor {"t": name}, a dict {"d": [[key, value], ...]}, a list {"l": [...]}, a tuple
{"u": [...]}, bytes {"b": base64}, or an OrderedDict {"o": [[key, value], ...], "m": metadata},
which a module's state dict is ("m" is its _metadata, or null).
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch

_SCALARS = (type(None), bool, int, float, str)


def flatten(state: Mapping[Any, Any]) -> tuple[dict[str, torch.Tensor], Any]:
    """The tensors by name, and the description. Raises TypeError for what is neither a tensor nor
    of the types above."""
    tensors: dict[str, torch.Tensor] = {}
    return tensors, _describe(state, "", tensors)


def _name(path: str, tensors: dict[str, torch.Tensor]) -> str:
    name, n = path, 1
    while name in tensors or name in ("", "__metadata__"):
        n += 1
        name = f"{path}#{n}"
    return name


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _describe(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    kind = type(value)
    if isinstance(value, torch.Tensor):
        name = _name(path, tensors)
        tensors[name] = value
        return {"t": name}
    if kind in _SCALARS:
        return value
    if kind is bytes:
        return {"b": base64.b64encode(value).decode()}
    if kind in (list, tuple, torch.Size):
        items = [_describe(v, _below(path, i), tensors) for i, v in enumerate(value)]
        return {"l" if kind is list else "u": items}
    if isinstance(value, dict):
        for key in value:
            if type(key) not in _SCALARS:
                raise TypeError(f"state_dict: {path or 'it'} has a key of {type(key)}")
        items = [[k, _describe(v, _below(path, k), tensors)] for k, v in value.items()]
        if not isinstance(value, OrderedDict):
            return {"d": items}
        metadata = getattr(value, "_metadata", None)
        return {"o": items, "m": _describe(metadata, _below(path, "_metadata"), tensors)}
    raise TypeError(f"state_dict: {path or 'it'} is of {kind}, which is no part of a state dict")


def build(description: Any, tensor: Callable[[str], torch.Tensor]) -> Any:
    """What was described, with the tensors that `tensor` returns for their names."""
    if not isinstance(description, dict):
        return description
    kind = next(iter(description))
    content = description[kind]
    if kind == "t":
        return tensor(content)
    if kind == "b":
        return base64.b64decode(content)
    if kind in ("l", "u"):
        items = [build(v, tensor) for v in content]
        return items if kind == "l" else tuple(items)
    if kind == "d":
        return {k: build(v, tensor) for k, v in content}
    made = OrderedDict((k, build(v, tensor)) for k, v in content)
    metadata = build(description["m"], tensor)
    if metadata is not None:
        made._metadata = metadata  # type: ignore[attr-defined]
    return made
