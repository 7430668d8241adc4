"""Sets of fields, as managedFields keep them, and their algebra.

A set is the decoded JSON of a ``fieldsV1``: a tree of dictionaries whose keys are steps (see `steps`). An empty dictionary is a leaf, which
is a member; a dictionary with content is a member only if it has the key ".". The empty tree is the empty set. A tree is
*canonical*: its steps are, and no inner dictionary is without a member below. `decode` makes any client's JSON canonical, all
operations expect and return canonical trees, share parts with what they were given, and change nothing.

The operations are those of sigs.k8s.io/structured-merge-diff/v6/fieldpath, Set: membership of a field says nothing of what is below it,
except for `recursive_difference`, which takes a member's whole subtree away. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tmc_syncer.controlplane.merge.steps import canonical, order

__all__ = [
    "FieldSet",
    "Path",
    "decode",
    "difference",
    "encode",
    "from_paths",
    "has",
    "intersection",
    "is_empty",
    "is_member",
    "paths",
    "recursive_difference",
    "union",
]

FieldSet = dict[str, Any]
Path = tuple[str, ...]

_SELF = "."


def decode(fields: Mapping[str, Any]) -> FieldSet:
    """The canonical set of any ``fieldsV1``; raises ``ValueError`` when it cannot be understood."""
    found: FieldSet = {}
    for step, child in fields.items():
        if step == _SELF:
            continue
        key = canonical(step)
        if key is None:
            continue
        if not isinstance(child, Mapping):
            raise ValueError(f"expected an object below {step}")  # noqa: TRY004 - it is data that is wrong
        node = decode(child)
        if _SELF in child:
            node = _with_self(node)
        found[key] = _union(found[key], node) if key in found else node
    return found


def encode(fields: FieldSet) -> dict[str, Any]:
    """The set with all steps in the server's order."""
    if len(fields) > 1:
        return {step: encode(fields[step]) for step in sorted(fields, key=order)}
    return {step: encode(child) for step, child in fields.items()}


def from_paths(members: Iterable[Path]) -> FieldSet:
    """The set of just these fields; the empty path, the whole object, is never a member."""
    found: FieldSet = {}
    for path in members:
        node = found
        for step in path[:-1]:
            if step not in node:
                node[step] = {_SELF: None}  # not a member yet; marked so that it is not taken for a leaf
            node = node[step]
        if path:
            node[path[-1]] = {**node.get(path[-1], {}), _SELF: {}}
    return {step: _unmarked(child) for step, child in found.items()}


def _unmarked(node: FieldSet) -> FieldSet:
    children = {step: _unmarked(child) for step, child in node.items() if step != _SELF}
    return _with_self(children) if node[_SELF] is not None else children


def _with_self(children: FieldSet) -> FieldSet:
    return {_SELF: {}, **children} if children else {}


def is_empty(fields: FieldSet) -> bool:
    """Whether the set has no member."""
    return not fields


def is_member(node: FieldSet) -> bool:
    """Whether the field that this node of a tree stands for is a member."""
    return not node or _SELF in node


def has(fields: FieldSet, path: Path) -> bool:
    """Whether the field is a member."""
    if not path:
        return False
    node = fields
    for step in path:
        if step not in node:
            return False
        node = node[step]
    return is_member(node)


def paths(fields: FieldSet) -> Iterator[Path]:
    """All members in the server's order: those of one level, then those below them."""
    inner = sorted((step for step in fields if step != _SELF), key=order)
    for step in inner:
        if is_member(fields[step]):
            yield (step,)
    for step in inner:
        for path in paths(fields[step]):
            yield (step, *path)


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in either."""
    if not left or not right:
        return left or right
    return _joined(left, right)


def _union(left: FieldSet, right: FieldSet) -> FieldSet:
    if left is right:
        return left
    if not left:
        return right if is_member(right) else {_SELF: {}, **right}
    if not right:
        return left if is_member(left) else {_SELF: {}, **left}
    return _joined(left, right)


def _joined(left: FieldSet, right: FieldSet) -> FieldSet:
    found = dict(left)
    for step, child in right.items():
        mine = left.get(step)
        found[step] = child if mine is None else _union(mine, child)
    return found


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in both."""
    return {
        step: common
        for step, child in left.items()
        if step in right and (common := _intersection(child, right[step])) is not None
    }


def _intersection(left: FieldSet, right: FieldSet) -> FieldSet | None:
    if not left or not right:  # one of them is a leaf
        return {} if is_member(left) and is_member(right) else None
    found = {
        step: common
        for step, child in left.items()
        if step != _SELF and step in right and (common := _intersection(child, right[step])) is not None
    }
    if _SELF in left and _SELF in right:
        return _with_self(found)
    return found or None


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in the left set only. A field and what is below it are different members: each goes by itself."""
    return _difference(left, right, recursive=False) or {} if left and right else left


def recursive_difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in the left set and neither in the right one nor below a member of that."""
    return _difference(left, right, recursive=True) or {} if left and right else left


def _difference(left: FieldSet, right: FieldSet, *, recursive: bool) -> FieldSet | None:
    """Neither is a leaf; None when nothing is left."""
    found = left
    for step, taken in right.items():
        if step not in left:
            continue
        child = left[step]
        rest = None if step == _SELF else _rest(child, taken, recursive=recursive)
        if rest is child:
            continue
        if found is left:
            found = dict(left)
        if rest is None:
            del found[step]
        else:
            found[step] = rest
    if len(found) == 1 and _SELF in found:
        return {}
    return found or None


def _rest(child: FieldSet, taken: FieldSet, *, recursive: bool) -> FieldSet | None:
    """What is left of a node, which may be a leaf, when another one is taken away; None for nothing."""
    if not child:
        return None if is_member(taken) else child
    if recursive and is_member(taken):
        return None
    if not taken:  # a leaf takes only the membership
        if _SELF not in child:
            return child
        return {step: below for step, below in child.items() if step != _SELF}
    return _difference(child, taken, recursive=recursive)
