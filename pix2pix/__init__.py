"""A pix2pix trainer: U-Net generator, PatchGAN discriminator (Isola et al., arXiv 1611.07004).

In: folders of combined pairs. Out: training folders, test reports, SavedModels, and the frozen graph's parts.
It may import `face2face`'s face, sources, target and base modules; nothing in `face2face` imports it.
"""
