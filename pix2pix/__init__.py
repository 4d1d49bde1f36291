"""A pix2pix trainer: U-Net generator, PatchGAN discriminator (Isola et al., arXiv 1611.07004)."""
