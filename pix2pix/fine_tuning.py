"""Fine-tuning: a new training whose networks begin with the weights of another one."""

from pathlib import Path

from face2face import cli
from pix2pix import checkpoints, legacy, model_folder, options
from pix2pix.options import Options
from pix2pix.trainer import Trainer


def check_networks(opts: Options, folder: Path) -> None:
    """Check that the networks of a training are those of the folder that it begins from.

    Raises:
        UserError: If an option that was given makes other networks.
    """
    if conflicts := options.conflicts(model_folder.read_options(folder), opts, options.NETWORK):
        raise cli.UserError(f"--checkpoint {folder} was trained with other options: {'; '.join(conflicts)}")


def begin(trainer: Trainer, folder: Path) -> str:
    """Set the weights of a new trainer's networks to those of another training's newest checkpoint.

    The moments of Adam go on too, where the checkpoint is this trainer's. The steps are counted from 0, and
    with them the decay of the learning rate; the moving average begins with the generator's weights.

    Args:
        trainer: The new trainer.
        folder: A training folder of this trainer or of the original one.

    Returns:
        Which weights these are, and what is not taken over, for people.

    Raises:
        UserError: If there is no checkpoint, or one of other networks.
    """
    if legacy.is_of_original(folder):
        path = legacy.restore(trainer.generator, folder)
        legacy.restore(trainer.discriminator, folder)
        anew = "steps, moments of Adam, moving average and best weights begin anew"
    else:
        kept = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
        path = checkpoints.restore_objects(folder, {name: trainer.objects()[name] for name in kept})
        anew = "steps, moving average and best weights begin anew"
    if trainer.ema_generator is not None:
        trainer.ema_generator.set_weights(trainer.generator.get_weights())
    return f"fine-tuning the weights of {path}: {anew}"
