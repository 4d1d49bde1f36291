"""Strategies for inputs: valid files that are changed, as bytes or in their own structure."""

import json
import re
from collections.abc import Sequence

from hypothesis import strategies as st

NUMBERS = st.integers(0, 2**32 - 1)
"""Where, and how much: whoever uses one takes as much of it as there are places."""

EXTREMES = (
    *(0, -1, 1, 2, 3, 7, 255, 256, 2**15, 2**16 - 1, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 2**53 + 1),
    *(2**63 - 1, 2**63, 2**64 - 1, -(2**31), -(2**63), 10**30),
)

# --- bytes ------------------------------------------------------------------------------------------------

_BYTE_CHANGES = (
    *("flip", "set", "cut", "drop", "double", "insert", "splice", "number", "field", "swap", "zeros"),
)
_HEAD = 256  # bytes: where headers are, every other change is made

byte_change = st.tuples(st.sampled_from(_BYTE_CHANGES), NUMBERS, NUMBERS, st.binary(max_size=9))


def bytes_like(valid: Sequence[bytes], most: int = 6) -> st.SearchStrategy[bytes]:
    """Changed bytes of one of the files, or, seldom, bytes from nowhere."""
    changed = st.builds(
        changed_bytes,
        st.sampled_from(valid),
        st.sampled_from(valid),
        st.lists(byte_change, min_size=1, max_size=most),
    )
    return st.one_of(changed, changed, changed, st.binary(max_size=400))


def changed_bytes(data: bytes, other: bytes, changes: Sequence[tuple]) -> bytes:
    """other: a file that pieces are taken from."""
    for kind, where, amount, piece in changes:
        size = len(data)
        at = (where >> 1) % (min(size, _HEAD) + 1 if where & 1 else size + 1)
        length = 1 + amount % (64 if amount & 64 else max(size - at, 1))
        if kind == "flip" and at < size:
            data = data[:at] + bytes([data[at] ^ (1 << amount % 8)]) + data[at + 1 :]
        elif kind == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "cut":
            data = data[:at] if amount & 1 else data[at:]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[: at + length] + data[at:]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "splice":
            begin = amount % (len(other) + 1)
            data = data[:at] + other[begin : begin + 1 + amount % 997] + data[at:]
        elif kind in ("number", "field"):
            if kind == "field":  # within the fields that follow a box's, or a chunk's, name of four letters
                names = [match.end() for match in re.finditer(rb"[A-Za-z]{4}", data)]
                at = (names[where % len(names)] if names else at) + amount // 512 % 48
            bytes_each, order = (1, 2, 4, 8)[amount % 4], ("big", "little")[amount >> 2 & 1]
            value = EXTREMES[(amount >> 3) % len(EXTREMES)] % 256**bytes_each
            data = data[:at] + value.to_bytes(bytes_each, order) + data[at + bytes_each :]
        elif kind == "swap":
            middle = at + length
            end = min(middle + length, size)
            data = data[:at] + data[middle:end] + data[at:middle] + data[end:]
        elif kind == "zeros":
            data = data[:at] + bytes(min(length, 4096)) + data[at + length :]
    return data


# --- JSON -------------------------------------------------------------------------------------------------


class Pairs(list):
    """A JSON object as its (key, value) pairs: a key may be there twice."""


class Raw(str):
    """What is written as it is, though it may be no JSON."""


_STRINGS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "\x1b[2J", "a\nb", "\0", "../../x", "/etc/passwd", "\xe9", "\u202e", "1", "\ud800"]),
    st.just("x" * 5000),
)
_NO_JSON = ("1e999", "-1e-999", "01", "0x10", "+1", "'a'", "undefined", "//", "1.")
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(EXTREMES),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324, 1e5, 1.5, -0.0]),
    st.floats(),
    st.integers(1, 5000).map(lambda digits: Raw("9" * digits)),
    st.sampled_from([Raw(text) for text in _NO_JSON]),
    _STRINGS,
)
ANY_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(_STRINGS, inner, max_size=5)),
    max_leaves=12,
)
_TREE_CHANGES = (
    *("number",) * 6,
    *("same",) * 3,
    *("replace", "drop", "double", "rename", "nest", "swap", "grow", "insert"),
)
_tree_change = st.tuples(st.sampled_from(_TREE_CHANGES), NUMBERS, NUMBERS, ANY_JSON)
_ENCODINGS = (*("utf-8",) * 24, "utf-8-sig", "utf-16", "utf-32", "latin-1")


def json_like(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Changed documents, JSON from nowhere, deep nesting, changed bytes."""
    changed = st.builds(
        changed_json,
        st.sampled_from(valid),
        st.lists(_tree_change, min_size=1, max_size=3),
        st.sampled_from(_ENCODINGS),
    )
    nowhere = st.builds(lambda tree: written(tree).encode("utf-8", "surrogatepass"), ANY_JSON)
    deep = st.builds(
        lambda opening, times, end: (opening * times + end).encode(),
        st.sampled_from(["[", '{"a":', '[{"images":']),
        st.sampled_from([10, 900, 1100, 100_000, 2_000_000]),
        st.sampled_from(["", "1", "]}"]),
    )
    often = [changed] * 7
    return st.one_of(*often, bytes_like(valid), bytes_like(valid), nowhere, deep)


def changed_json(text: bytes, changes: Sequence[tuple], encoding: str) -> bytes:
    holder = [json.loads(text, object_pairs_hook=Pairs)]
    for change in changes:
        _change_tree(holder, *change)
    errors = "replace" if encoding == "latin-1" else "surrogatepass"
    return written(holder[0] if holder else None).encode(encoding, errors)


def _change_tree(holder: list, kind: str, where: int, amount: int, value: object) -> None:
    """Change one place: an entry of the list, or object, that a walk from the holder ends in."""
    while True:
        if not holder:
            holder.append(value)
            return
        at, where = where % len(holder), where // len(holder)
        entry = holder[at]
        inner = entry[1] if isinstance(holder, Pairs) else entry
        if not isinstance(inner, list) or not inner or where % 5 == 0:
            break
        holder, where = inner, where // 5

    def entry_of(new: object) -> object:
        return (entry[0], new) if isinstance(holder, Pairs) else new

    if kind == "number":
        holder[at] = entry_of(_other_numbers(inner, amount))
    elif kind == "same":  # a list of one thing again and again, as a face of one point
        if isinstance(inner, list) and inner and not isinstance(inner, Pairs):
            inner[:] = [inner[amount % len(inner)]] * len(inner)
        else:
            holder[at] = holder[amount % len(holder)]
    elif kind == "replace":
        holder[at] = entry_of(value)
    elif kind == "drop":
        del holder[at]
    elif kind == "double":
        holder.insert(at, entry)
    elif kind == "rename" and isinstance(holder, Pairs):
        holder[at] = (value if isinstance(value, str) else entry[0] + "x", inner)
    elif kind == "nest":
        for _ in range(1 + amount % 50):
            inner = [inner]
        holder[at] = entry_of(inner)
    elif kind == "swap":
        other = amount % len(holder)
        holder[at], holder[other] = holder[other], holder[at]
    elif kind == "grow" and isinstance(inner, list) and len(inner) < 200:
        holder[at] = entry_of(type(inner)(inner * (2 + amount % 20)))
    else:  # something more beside it
        holder.insert(at, (str(value)[:20], value) if isinstance(holder, Pairs) else value)


def _other_numbers(tree: object, amount: int) -> object:
    """The tree with each of its numbers changed in the same way, to other plausible ones."""
    if isinstance(tree, Pairs):
        return Pairs((key, _other_numbers(value, amount)) for key, value in tree)
    if isinstance(tree, list):
        return [_other_numbers(value, amount) for value in tree]
    if isinstance(tree, bool):
        return not tree
    if not isinstance(tree, int | float):
        return tree
    scale = (0, 1, -1, 2, 0.5, 10, 1000, 1e-3, 1e-9, 1e5)[amount % 10]
    shift = (0, 0, 1, -1, 7, 100)[amount // 10 % 6]
    return type(tree)(tree * scale + shift) if abs(tree) < 1e100 else shift


def written(tree: object) -> str:
    """JSON text of a tree that may have `Pairs` and `Raw`, and what JSON has not, as NaN."""
    if isinstance(tree, dict):
        tree = Pairs(tree.items())
    if isinstance(tree, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(value)}" for key, value in tree) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(written(value) for value in tree) + "]"
    if isinstance(tree, Raw):
        return str(tree)
    return json.dumps(tree, ensure_ascii=False)
