"""Static checks of a generator's file, before any engine reads it; no engine takes part, nor is imported.

In: the path of a frozen graph (.pb) or of an OpenVINO IR (.xml and .bin), from anyone.
Out: a `GeneratorFile`, or a `UserError` if the file is damaged, too large, or holds an operation that
generators do not need.

To read in this order: `generator_file` (the result), `tensors` and `shapes`, `bounds` (of a whole graph);
then a format: `graph_def` with `protobuf`, `graph_attributes`, `graph_shapes`, `graph_convolutions`
(TensorFlow), or `ir` with `ir_attributes`, `ir_shapes`, `ir_convolutions` (OpenVINO).
"""
