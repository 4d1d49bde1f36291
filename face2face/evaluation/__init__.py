"""How good a frozen generator is: driven by its own target, by another person, and by a still face.

In: a frozen graph, a clip of the target, a clip of a driver. Out: figures, and strips of pictures for pages.
May import every other subpackage.
"""
