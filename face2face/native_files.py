"""Paths for native libraries, which may end the process over a file name that they cannot encode."""

from pathlib import Path

from face2face import cli


def existing(path: str | Path, what: str) -> Path:
    """Check that a file exists and that native libraries can take its name.

    Args:
        what: What the file should be, for the error: "the frozen model".

    Raises:
        UserError: If it does not exist, or its name is not UTF-8.
    """
    path = Path(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise cli.UserError(f"expected a file name in UTF-8 as {what}, got {cli.shown(str(path))}") from None
    return cli.existing_file(path, what)
