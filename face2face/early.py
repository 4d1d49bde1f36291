"""What a script does before it imports libraries. `cli.run` takes over once they are loaded."""

import signal


def let_ctrl_c_end() -> None:
    """Let Ctrl-C end the process at once, without a traceback: there is nothing yet to tidy up.

    Where the parent has this process ignore Ctrl-C (a shell's background job), it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
