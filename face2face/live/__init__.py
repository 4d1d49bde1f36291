"""The real-time loop: from the driver's frames to the target's face, on all outputs at once.

In: the options of a run, which name a source, frozen graphs and outputs. Out: pictures in a window, on a
page, in a recording and in a virtual camera, and statistics. May import every subpackage but `evaluation`.
"""
