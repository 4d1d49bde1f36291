"""TensorFlow's graphs from nowhere: operations with inputs and attributes that may fit, or nearly."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.fuzz.mutations import EXTREMES
from tests.fuzz.wire import BYTES, VARINT, Field, message, varint

FLOAT, UINT8, INT32, INT64 = 1, 4, 3, 9
SIDE = 8
"""Of model space: small graphs are run soon."""

_INTEGERS = st.one_of(*[st.integers(-2, 9)] * 6, st.sampled_from(EXTREMES))
_LISTS = st.lists(_INTEGERS, max_size=6)
_FOURS = st.one_of(
    st.builds(lambda a, b: [1, a, b, 1], st.integers(0, 4), st.integers(0, 4)),
    st.sampled_from([[1, 1, 2, 2]]),
)


def _integer(value: int) -> bytes:
    return message((3, VARINT, value))


def _kind(value: int) -> bytes:
    return message((6, VARINT, value))


def _integers(values: Sequence[int]) -> bytes:
    return message((1, BYTES, message((3, BYTES, b"".join(map(varint, values))))))


_TYPES = st.sampled_from([FLOAT, FLOAT, UINT8, INT32, INT64, 14, 7, 10, 0, 99]).map(_kind)
_ATTRIBUTES = {
    **dict.fromkeys(("T", "SrcT", "DstT", "out_type", "dtype", "Tidx"), _TYPES),
    **dict.fromkeys(("strides", "ksize", "dilations"), st.one_of(_FOURS, _FOURS, _LISTS).map(_integers)),
    **dict.fromkeys(("squeeze_dims", "explicit_paddings"), _LISTS.map(_integers)),
    **dict.fromkeys(("N", "num", "num_split", "axis", "block_size"), _INTEGERS.map(_integer)),
    **dict.fromkeys(
        ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"),
        st.one_of(st.integers(0, 15), st.sampled_from(EXTREMES)).map(_integer),
    ),
    **dict.fromkeys(
        ("transpose_a", "transpose_b", "keep_dims", "is_training", "align_corners"),
        st.booleans().map(lambda value: message((5, VARINT, value))),
    ),
    "padding": st.sampled_from(["SAME", "VALID", "EXPLICIT", "", "x"]).map(lambda t: message((2, BYTES, t))),
    "data_format": st.sampled_from(["NHWC", "NHWC", "NCHW", "NDHWC"]).map(lambda t: message((2, BYTES, t))),
    "mode": st.sampled_from(["REFLECT", "SYMMETRIC"]).map(lambda t: message((2, BYTES, t))),
}
_WINDOW = ("strides", "padding", "data_format", "dilations")

# What operations read, one letter per input (x any tensor, i whole numbers, k a kernel, v a vector), and
# their attributes. Of those that are not here both are guessed.
_USUAL = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), ("xk", _WINDOW)),
    "Conv2DBackpropInput": ("ikx", _WINDOW),
    **dict.fromkeys(("AvgPool", "MaxPool"), ("x", ("ksize", *_WINDOW))),
    **dict.fromkeys(("Reshape", "ExpandDims", "Transpose", "Pad", "MirrorPad", "Tile"), ("xi", ())),
    **dict.fromkeys(("Sum", "Mean", "Max", "Min", "Prod", "All", "Any"), ("xi", ("keep_dims",))),
    **dict.fromkeys(("ResizeArea", "ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor"), ("xi", ())),
    **dict.fromkeys(("SpaceToDepth", "DepthToSpace"), ("x", ("block_size", "data_format"))),
    **dict.fromkeys(("Shape", "Size", "Rank"), ("x", ("out_type",))),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV3"), ("xvvvv", ("data_format", "is_training"))),
    "Squeeze": ("x", ("squeeze_dims",)),
    "Concat": ("ixx", ("N",)),
    "ConcatV2": ("xxi", ("N",)),
    "Split": ("ix", ("num_split",)),
    "SplitV": ("xii", ("num_split",)),
    "Pack": ("xx", ("axis", "N")),
    "Unpack": ("x", ("axis", "num")),
    "Slice": ("xii", ()),
    "StridedSlice": ("xiii", tuple(name for name in _ATTRIBUTES if name.endswith("_mask"))),
    "PadV2": ("xii", ()),
    "Fill": ("ii", ()),
    "RandomUniform": ("i", ("dtype",)),
    "MatMul": ("xx", ("transpose_a", "transpose_b")),
    "Cast": ("x", ("SrcT", "DstT")),
}


def node(name: str, operation: str, inputs: Sequence[str] = (), **attributes: bytes) -> Field:
    """A field of a GraphDef."""
    entries = [(5, BYTES, message((1, BYTES, key), (2, BYTES, each))) for key, each in attributes.items()]
    return (
        1,
        BYTES,
        message((1, BYTES, name), (2, BYTES, operation), *((3, BYTES, i) for i in inputs), *entries),
    )


def _shape(sides: Sequence[int]) -> bytes:
    return message(*((2, BYTES, message((1, VARINT, side))) for side in sides))


def constant(name: str, kind: int, sides: Sequence[int], content: bytes) -> Field:
    value = message((1, VARINT, kind), (2, BYTES, _shape(sides)), (4, BYTES, content))
    return node(name, "Const", dtype=_kind(kind), value=message((8, BYTES, value)))


def whole_numbers(name: str, values: Sequence[int], sides: Sequence[int] | None = None) -> Field:
    content = b"".join((value % 2**32).to_bytes(4, "little") for value in values)
    return constant(name, INT32, [len(values)] if sides is None else sides, content)


_BEGIN = [
    node(
        "image_tensor",
        "Placeholder",
        dtype=_kind(UINT8),
        shape=message((7, BYTES, _shape([SIDE, 2 * SIDE, 3]))),
    ),
    whole_numbers("zero", [0], []),
    whole_numbers("corner", [0, 0, 0]),
    whole_numbers("size", [SIDE, SIDE, 3]),
    whole_numbers("face", [1, SIDE, SIDE, 3]),
    node("floats", "Cast", ["image_tensor"], SrcT=_kind(UINT8), DstT=_kind(FLOAT)),
    node("batch", "ExpandDims", ["floats", "zero"], T=_kind(FLOAT), Tdim=_kind(INT32)),
    constant("kernel", FLOAT, [3, 3, 3, 3], bytes(4 * 81)),
    constant("vector", FLOAT, [3], bytes(12)),
]


@st.composite
def any_graph(draw, operations: Sequence[str]) -> bytes:
    """Some operations between the input and the output; each reads the ones before it."""
    fields = list(_BEGIN)
    tensors = ["batch", "floats"]
    for i, operation in enumerate(draw(st.lists(st.sampled_from(operations), min_size=1, max_size=5))):
        reads, names = _USUAL.get(operation, ("x" * draw(st.integers(0, 4)), ()))
        if draw(st.integers(0, 5)) == 0:
            reads, names = draw(st.text("xikv", max_size=5)), draw(st.lists(st.sampled_from([*_ATTRIBUTES])))
        inputs = []
        for place, kind in enumerate(reads):
            if kind == "i":
                inputs.append(f"i{i}.{place}")
                values = draw(_LISTS)
                is_one = len(values) == 1 and draw(st.booleans())
                fields.append(whole_numbers(inputs[-1], values, [] if is_one else None))
            else:
                fixed = {"k": ["kernel"], "v": ["vector"]}.get(kind)
                inputs.append(draw(st.sampled_from(fixed or [*tensors, tensors[-1], f"{tensors[-1]}:1"])))
        attributes = {"T": _kind(FLOAT)} | {name: draw(_ATTRIBUTES[name]) for name in names}
        fields.append(node(f"n{i}", operation, inputs, **attributes))
        tensors.append(f"n{i}")
    last = tensors[-1]
    ends = {
        "as it is": [node("end", "Identity", [last], T=_kind(FLOAT))],
        "put into shape": [node("end", "Reshape", [last, "face"], T=_kind(FLOAT), Tshape=_kind(INT32))],
        "only awaited": [
            node("end", "Slice", ["floats", "corner", "size", f"^{last}"], T=_kind(FLOAT), Index=_kind(INT32))
        ],
    }
    fields += ends[draw(st.sampled_from(sorted(ends)))]
    fields.append(node("generate_output/output", "Cast", ["end"], SrcT=_kind(FLOAT), DstT=_kind(UINT8)))
    return message(*fields)
