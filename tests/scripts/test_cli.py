"""The edge: one line for what is wrong, exit codes, signals."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from face2face import cli, loading
from face2face.output.controls import gain_argument
from tests import made

SCRIPT = f"""
import sys
sys.path.insert(0, {str(made.ROOT)!r})
from pathlib import Path
from face2face import cli, loading

def main():
    {{}}

cli.run(main)
"""


def run(body: str, folder: Path) -> subprocess.CompletedProcess:
    return made.run_script("-c", SCRIPT.format(body), cwd=folder)


@pytest.mark.parametrize(
    "body, code, said",
    [
        ("pass", 0, ""),
        ("return 3", 3, ""),
        ("raise cli.UserError('expected a face,\\n  got none')", 2, "error: expected a face, got none\n"),
        ("open('nowhere/file')", 2, "error: No such file or directory: nowhere/file\n"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
    ],
)
def test_exit_codes_and_one_line(body, code, said, tmp_path):
    result = run(body, tmp_path)
    assert (result.returncode, result.stderr) == (code, said)


def test_tensorflow_is_loaded_without_lines_of_its_own_and_what_keras_would_draw_plots_with(
    tmp_path, monkeypatch
):
    """No line of the CUDA that it misses, either. What is left out can be imported afterwards."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # which tests before this one may have set
    body = (
        "loading.load_tensorflow(); import sys, tensorflow as tf; print(float(tf.reduce_sum(tf.ones(3)))); "
        "print('matplotlib' in sys.modules, 'sklearn' in sys.modules); import matplotlib"
    )
    result = run(body, tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "3.0\nFalse False\n", "")


def test_no_garbage_is_looked_for_while_tensorflow_is_loaded_and_it_is_afterwards(tmp_path):
    body = (
        "import gc; count = lambda: sum(each['collections'] for each in gc.get_stats()); before = count(); "
        "loading.load_tensorflow(); print(count() - before <= 1, gc.isenabled())"
    )
    assert run(body, tmp_path).stdout == "True True\n"


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="TensorFlow has oneDNN for x86 processors"
)
def test_tensorflow_convolves_by_onednn_on_every_processor(tmp_path):
    """By itself it does so only with AVX-512 or AMX."""
    body = (
        "import os; os.environ['ONEDNN_VERBOSE'] = '1'; loading.load_tensorflow(); import tensorflow as tf; "
        "tf.nn.conv2d(tf.ones((1, 8, 8, 8)), tf.ones((3, 3, 8, 8)), 1, 'SAME')"
    )
    result = run(body, tmp_path)
    assert "convolution" in result.stdout, result.stderr


def test_a_mistake_of_ours_keeps_its_traceback(tmp_path):
    result = run("return 1 / 0", tmp_path)
    assert result.returncode == 1 and "ZeroDivisionError" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process can catch")
def test_being_asked_to_end_is_like_ctrl_c(tmp_path):
    result = run(f"import os; os.kill(os.getpid(), {int(signal.SIGTERM)}); input()", tmp_path)
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


def test_a_reader_that_leaves_is_no_error(tmp_path):
    body = "[print('x' * 1000) for i in range(1000)]"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=30) == 1


@pytest.mark.parametrize(
    "kind, good, bad",
    [
        (cli.positive_int, ("1", "400"), ("0", "-1", "1.5", "many", "")),
        (cli.non_negative_int, ("0", "7"), ("-1", "x")),
        (cli.non_negative_float, ("0", "2.5"), ("-0.1", "nan", "inf", "x")),
        (cli.fraction, ("0", "0.5", "1"), ("1.1", "-1", "nan")),
        (gain_argument, ("0", "1.5", "2"), ("2.1", "-1", "nan")),
    ],
)
def test_numbers_are_checked(kind, good, bad, capsys):
    parser = cli.ArgumentParser()
    parser.add_argument("--value", type=kind)
    for text in good:
        assert parser.parse_args(["--value", text]).value == float(text)
    for text in bad:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([f"--value={text}"])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith("error: argument --value: expected a ") and error.count("\n") == 1
        assert f"got '{text}'" in error


def test_options_are_not_guessed_from_their_beginning(capsys):
    parser = cli.ArgumentParser()
    parser.add_argument("--record")
    with pytest.raises(SystemExit):
        parser.parse_args(["--rec", "a"])


@pytest.mark.parametrize(
    "script, arguments",
    [
        ("pix2pix/pix2pix.py", ["--mode", "train", "--input_dir", ".", "--output_dir", "run[12]"]),
        ("pix2pix/pix2pix.py", ["--mode", "export", "--output_dir", "out", "--checkpoint", "run*"]),
        ("reduce_model.py", ["--model-input", "run?"]),
        ("reduce_model.py", ["--model-output", "run[1"]),
        ("freeze_model.py", ["--model-folder", "run*/reduced"]),
    ],
)
def test_a_folder_that_tensorflow_takes_for_several_is_refused(script, arguments, tmp_path):
    """It deletes old checkpoints by a pattern: those of run1 and run2 for a training in run[12]."""
    result = made.run_script(made.ROOT / script, *arguments, cwd=tmp_path)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert f"which TensorFlow takes for a pattern, got '{arguments[-1]}'" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_second_signal_tears_nothing_where_nobody_reads_what_is_said(tmp_path):
    body = (
        "import os, signal, time\n    try: os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n"
        "    finally: os.kill(os.getpid(), signal.SIGINT); Path('saved').touch()"
    )
    process = made.start([sys.executable, "-c", SCRIPT.format(body)], cwd=tmp_path, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait(timeout=30) == 130 and (tmp_path / "saved").exists()


def test_files_and_folders_are_told_apart(tmp_path):
    (tmp_path / "file").touch()
    assert cli.existing_file(tmp_path / "file", "the model") == tmp_path / "file"
    assert cli.existing_dir(tmp_path, "--dir") == tmp_path
    for check, path, message in (
        (cli.existing_file, tmp_path, "expected a file as it, got a folder"),
        (cli.existing_file, tmp_path / "none", "it not found"),
        (cli.existing_dir, tmp_path / "file", "expected a folder as it, got a file"),
        (cli.existing_dir, tmp_path / "none", "expected a folder as it, not found"),
    ):
        with pytest.raises(cli.UserError, match=message):
            check(path, "it")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminals")
def test_progress_in_a_terminal_that_does_not_tell_its_width(tmp_path):
    ours, theirs = os.openpty()
    assert os.get_terminal_size(theirs).columns == 0
    body = "with cli.progress(3, 'reading', 'frames') as bar: bar.update(3)"
    subprocess.run([sys.executable, "-c", SCRIPT.format(body)], cwd=tmp_path, stderr=theirs, check=True)
    said = os.read(ours, 10_000)  # would end without a line, but waits as long as our end is open
    os.close(theirs)
    os.close(ours)
    assert b"reading: 100%" in said and b"3/3" in said


def test_progress_in_what_is_a_terminal_without_a_size(monkeypatch):
    """As Windows' NUL is one."""
    with open(os.devnull, "w") as nowhere:
        monkeypatch.setattr(nowhere, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stderr", nowhere)
        with cli.progress(3, "reading", "frames") as bar:
            bar.update(3)
        assert bar.n == 3


def test_progress_in_a_log_is_in_lines(capsys):
    with cli.progress(3, "reading", "frames", log_seconds=0) as bar:
        for _ in range(3):
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("reading: 0/3 frames [") and lines[-1].startswith("reading: 3/3 frames [")
    assert all("<" in line for line in lines)


def test_native_notes_are_dropped_after_a_signal(capfd):
    with pytest.raises(KeyboardInterrupt), loading.quiet_stderr():
        os.write(2, b"a note of a library\n")
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""


def test_native_notes_are_held_back_unless_loading_fails(capfd):
    with loading.quiet_stderr():
        os.write(2, b"a note\n")
    with pytest.raises(ImportError), loading.quiet_stderr():
        os.write(2, b"the reason\n")
        raise ImportError
    assert capfd.readouterr().err == "the reason\n"


@pytest.mark.skipif(os.name == "nt", reason="closes descriptors as a shell of POSIX does")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_are_no_mistake(closed, tmp_path):
    """Nor does a file take the place of one, and get what is printed."""
    body = "file = open('data', 'w'); print('said'); print('noted', file=sys.stderr); file.write('written')"
    (tmp_path / "script.py").write_text(SCRIPT.format(body))
    result = subprocess.run(
        f"exec '{sys.executable}' script.py {closed}", shell=True, cwd=tmp_path, timeout=30
    )
    assert result.returncode == 0 and (tmp_path / "data").read_text() == "written"


def test_a_thread_in_native_code_does_not_abort_the_end(tmp_path):
    """A signal may come when a pipeline's threads have started and nobody is there yet to end them."""
    body = (
        "import time\n    from face2face.live.pipeline import Pipeline\n"
        "    Pipeline(iter(range(9)), [lambda item: time.sleep(60)]).__enter__()\n"
        "    raise cli.UserError('expected this')"
    )
    result = run(body, tmp_path)
    assert (result.returncode, result.stderr) == (2, "error: expected this\n")
