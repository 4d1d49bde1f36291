"""The options of the programs that this project follows, as their sources have them.

D is datitran/face2face-demo, A is affinelayer/pix2pix-tensorflow. Each option has its default there, and a
word on what differs here and why; "" where it does the same.
"""

D, A = "D", "A"

NONE, NEEDED = "none", "needed"
"""Instead of a default: there is none, and the option may, or may not, be left out."""

SAME = ""

ORIGINALS = {
    "generate_train_data.py": {
        "--file": (D, NONE, "also several videos, a camera, a stream"),
        "--num": (D, NONE, "the tutorial's number is the default"),
        "--landmark-model": (D, NONE, "the model is installed with the project"),
    },
    "pix2pix/tools/process.py": {
        "--input_dir": (A, NEEDED, SAME),
        "--output_dir": (A, NEEDED, SAME),
        "--operation": (A, NEEDED, "`edges` is HED's network there, `canny` is Canny's algorithm here"),
        "--b_dir": (A, NONE, SAME),
        "--size": (A, "256", "drawings are drawn again at their new size, so that no line is blurred"),
        "--pad": (A, "off", SAME),
        "--workers": (A, "1", "all cores, since images do not depend on each other"),
    },
    "pix2pix/tools/split.py": {
        "--dir": (A, NEEDED, "split in time where landmarks are known: few near twins of a frame train"),
        "--train_frac": (A, "0.8", "rounded, not cut off"),
        "--test_frac": (A, "0.0", "rounded, not cut off"),
    },
    "pix2pix/pix2pix.py": {
        "--mode": (A, NEEDED, SAME),
        "--input_dir": (A, NONE, SAME),
        "--output_dir": (A, NEEDED, "train: a training there goes on, instead of being written over"),
        "--checkpoint": (A, NONE, "train: the networks are as in that folder, whatever the defaults are"),
        "--output_filetype": (A, "png", "for test, too; export: a SavedModel, not a meta graph"),
        "--seed": (A, NONE, "the same seed gives the same weights, also of a training that was stopped"),
        "--max_steps": (A, NONE, "not for test, which takes all pairs"),
        "--max_epochs": (A, NONE, "not for test, which takes all pairs"),
        "--summary_freq": (A, "100", "histograms with --histograms alone: they take much space"),
        "--progress_freq": (A, "50", SAME),
        "--trace_freq": (A, "0", "for TensorBoard's profiler of today"),
        "--display_freq": (A, "0", SAME),
        "--save_freq": (A, "5000", "0 saves at the end, not never"),
        "--separable_conv": (A, "off", SAME),
        "--aspect_ratio": (A, "1.0", "1 refuses halves that are not square: other pictures are no pairs"),
        "--lab_colorization": (A, "off", SAME),
        "--batch_size": (A, "1", SAME),
        "--which_direction": (A, "AtoB", SAME),
        "--ngf": (A, "64", "a quarter of the work, so a better face in the same time (docs/trials.md)"),
        "--ndf": (A, "64", "as --ngf"),
        "--scale_size": (A, "286", "where --jitter crops"),
        "--flip": (A, "on", "a mirrored face is another one"),
        "--no_flip": (A, "off", "what is so without it"),
        "--lr": (A, "0.0002", "falls to 0 at the end: see --lr_decay"),
        "--beta1": (A, "0.5", SAME),
        "--l1_weight": (A, "100.0", SAME),
        "--gan_weight": (A, "1.0", SAME),
    },
    "reduce_model.py": {
        "--model-input": (D, NONE, "the tutorial's folder is the default; any --ngf, not 64 alone"),
        "--model-output": (D, NONE, "the tutorial's folder is the default"),
    },
    "freeze_model.py": {
        "--model-folder": (D, NONE, "the tutorial's folder is the default"),
    },
    "run_webcam.py": {
        "--source": (D, "0", "also a video, a stream, a folder, a browser's camera"),
        "-src": (D, "0", "as --source"),
        "--show": (D, "0", "also 2 and 3"),
        "--landmark-model": (D, NONE, "the model is installed with the project"),
        "--tf-model": (D, NONE, "also several; the tutorial's file, or a shipped one, is the default"),
    },
}
"""By script and option: whose it is, its default there, and what differs here."""
