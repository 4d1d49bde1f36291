"""Which channels of its teacher a student begins with."""

from dataclasses import replace

import numpy as np
import pytest

from pix2pix import folding, networks, options, pruning
from tests import made

TEACHER = replace(made.SMALL, ngf=8)


@pytest.mark.parametrize("statistics", [options.NONE, options.INSTANCE])
def test_channels_that_are_read_are_kept_with_all_that_belongs_to_them(statistics):
    """A generator of whose channels half are read answers as the pruned one, but for the larger kernels."""
    opts = replace(TEACHER, statistics=statistics)
    trained = networks.generator_of(opts)
    made.unsettle(trained)
    teacher = folding.fold(trained)
    pruned = networks.generator_of(replace(opts, ngf=4), folded=True)
    chosen = pruning.important_channels(teacher, pruned)
    assert len(chosen["encoder_1_conv"]) == 4 and len(chosen["decoder_2_conv"]) == 4
    for name, read in pruning.sources(6).items():
        layer = teacher.get_layer(name)
        kernel, bias = layer.get_weights()
        start, axis = 0, 3 if name.startswith("decoder") else 2
        for source in read:
            count = teacher.get_layer(source).filters
            unread = start + np.setdiff1d(np.arange(count), chosen[source])
            np.swapaxes(kernel, axis, 0)[unread] = 0
            start += count
        layer.set_weights([kernel, bias])
    pruning.prune(teacher, pruned, chosen)
    for name in list(pruning.sources(6))[1:]:
        kernel, bias = pruned.get_layer(name).get_weights()
        pruned.get_layer(name).set_weights([kernel / np.sqrt(2), bias])
    drawing = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    assert np.allclose(pruned(drawing), teacher(drawing), atol=1e-4)
