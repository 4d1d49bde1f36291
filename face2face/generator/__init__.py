"""A frozen generator behind one interface: checked, converted, compiled, cached, quantised, run.

In: a frozen graph or an OpenVINO IR, and drawings in model space. Out: painted faces in model space.
May import `target`, `face` and the base modules.
"""
