"""What is known of the target's face, and how the driver's face is retargeted to it.

In: frames and landmarks. Out: training pairs with their sidecar, `target.json`, the target's points for a
driver's points. May import `face`, `sources` and the base modules.
"""
