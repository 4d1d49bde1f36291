"""What the READMEs tell users to type is what the scripts take; what is installed is one list."""

import importlib
import re
import shlex
import sys

import pytest
import yaml

from pix2pix import pix2pix
from tests import made

SCRIPTS = {
    "generate_train_data.py": "generate_train_data",
    "pix2pix/tools/process.py": "pix2pix.tools.process",
    "pix2pix/tools/split.py": "pix2pix.tools.split",
    "pix2pix/pix2pix.py": "pix2pix.pix2pix",
    "reduce_model.py": "reduce_model",
    "freeze_model.py": "freeze_model",
    "run_webcam.py": "run_webcam",
    "evaluate.py": "evaluate",
    "docs/figures.py": "docs.figures",
    "benchmarks/step_parts.py": "benchmarks.step_parts",
    "benchmarks/detection.py": "benchmarks.detection",
    "benchmarks/driver_places.py": "benchmarks.driver_places",
    "benchmarks/winks.py": "benchmarks.winks",
    "benchmarks/still_face.py": "benchmarks.still_face",
    "benchmarks/soak.py": "benchmarks.soak",
    "benchmarks/latency.py": "benchmarks.latency",
    "benchmarks/export_speed.py": "benchmarks.export_speed",
    "benchmarks/time_to_quality.py": "benchmarks.time_to_quality",
    "benchmarks/train_speed.py": "benchmarks.train_speed",
    "benchmarks/webcam_speed.py": "benchmarks.webcam_speed",
}
"""Scripts by the module that holds their parser."""

DEFAULT_IN_WORDS = {"here": ".", "all": "0.0", "never": "0"}
"""Defaults that the tables tell in a word."""


def read(name: str) -> str:
    return (made.ROOT / name).read_text()


def blocks(readme: str) -> list[str]:
    """The fenced code blocks."""
    return re.findall(r"^```\w*\n(.*?)^```", read(readme), re.S | re.M)


def commands(readme: str) -> list[list[str]]:
    """The lines and inline pieces of code that run one of the scripts, as words."""
    lines = [line for block in blocks(readme) for line in block.splitlines()]
    lines += re.findall(r"`(python [^`]+)`", read(readme))
    # A backslash is Windows' slash.
    lines = [line.replace("\\", "/") for line in lines if re.match(r"\s*python (?!-m)", line)]
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("words", commands("README.md"), ids=" ".join)
def test_the_scripts_take_the_readmes_commands(words):
    _, script, *arguments = words
    if script == "-c":
        exec(*arguments)
        return
    if script == "examples/demo.py":
        assert (made.ROOT / script).is_file() and not arguments
        return
    module = importlib.import_module(SCRIPTS[script])
    args = module.parse_args(arguments)
    if module is pix2pix:
        pix2pix.check_mode(args)


def test_every_script_of_the_tutorial_is_in_it():
    told = {words[1] for words in commands("README.md")}
    assert told >= SCRIPTS.keys() | {"examples/demo.py"}


def test_each_option_of_the_tables_exists():
    """And has the default that is told."""
    for module, options in option_tables():
        parser_help = help_of(module)
        for names, default in options:
            for name in names:
                assert re.search(rf"^ +{name}[ ,\n]", parser_help, re.M), f"{module}: {name}"
            if re.fullmatch(r"`?[\w.]+`?(, `?[\w.]+`?)*", default):
                told = default.replace("`", "").split(", ")
                for name, value in zip(names, told, strict=False):
                    shown = default_of(parser_help, name)
                    value = DEFAULT_IN_WORDS.get(value, value)
                    assert shown is None or value == shown or float(value) == float(shown), name


def option_tables():
    """Of each step's table of options: the module it speaks of, and (names, default) of each row."""
    text = read("README.md")
    sections = re.split(r"^#{2,3} ", text, flags=re.M)
    of_section = {"1.": "generate_train_data", "3.": "pix2pix.pix2pix", "5.": "run_webcam"}
    for section in sections:
        module = of_section.get(section.split(" ")[0])
        rows = re.findall(r"^\| (`--[^|]+) \| [^|]+ \| ([^|]*) \|$", section, re.M)
        if module and rows:
            yield module, [(re.findall(r"--[\w-]+", names), default.strip()) for names, default in rows]


def help_of(module: str) -> str:
    script = next(script for script, name in SCRIPTS.items() if name == module)
    result = made.run_script(made.ROOT / script, "--help")
    assert result.returncode == 0
    return result.stdout


def default_of(help_text: str, name: str) -> str | None:
    entry = re.search(rf"^ +{name}[ ,\n].*?(?=^ +--|\Z)", help_text, re.S | re.M)[0]
    found = re.search(r"\(default:\s+([^)]+)\)", " ".join(entry.split()))
    return found and found[1]


def inline_commands(readme: str) -> list[str]:
    return re.findall(r"`(python [^`]+)`", read(readme))


def links(readme: str) -> list[str]:
    return re.findall(r"\]\((\S+)\)", read(readme))


def test_both_languages_have_the_same_commands():
    assert blocks("README.es.md") == blocks("README.md")
    assert inline_commands("README.es.md") == inline_commands("README.md")


@pytest.mark.parametrize("what", [r"^(#+) ", r"^\| `(--[^|]+)` \|"], ids=["sections", "options"])
def test_both_languages_have_the_same(what):
    english, spanish = (re.findall(what, read(name), re.M) for name in ("README.md", "README.es.md"))
    assert english == spanish


def test_both_languages_have_the_same_figures_in_their_tables():
    english, spanish = (
        [re.findall(r"\d+\.\d+", row) for row in re.findall(r"^\|.*", read(name), re.M)]
        for name in ("README.md", "README.es.md")
    )
    assert english == spanish and sum(map(len, english)) > 50


def test_both_languages_lead_to_the_same_places():
    """But for each other, and their own sections."""
    english, spanish = (
        [link for link in links(name) if not re.match("#|README", link)]
        for name in ("README.md", "README.es.md")
    )
    assert english == spanish


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_links_lead_somewhere(readme):
    titles = re.findall(r"^#+ (.+)$", read(readme), re.M)
    anchors = {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
    for link in links(readme):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif not link.startswith("http"):
            assert (made.ROOT / link).exists(), link


# --- what is installed ----------------------------------------------------------------------------------


def requirements(name: str) -> dict[str, str]:
    """Package and version bounds of each line."""
    lines = [line.split("#")[0].strip() for line in read(name).splitlines()]
    lines = [line for line in lines if not line.startswith("-r ")]
    return {re.split(r"[<>=!~ ;]", line)[0]: line for line in lines if line}


def test_each_requirement_is_bounded_below_and_above():
    for path in made.ROOT.glob("requirements*.txt"):
        for line in requirements(path.name).values():
            assert ">=" in line and "<" in line, line


def test_the_asked_for_packages_are_required():
    asked = {"tensorflow", "opencv-python", "dlib-bin", "numpy", "imutils", "face_recognition_models"}
    assert asked <= requirements("requirements.txt").keys()
    assert not requirements("requirements.txt").keys() & {"pytest", "ruff"}


def test_conda_builds_the_same_environment():
    environment = yaml.safe_load(read("environment.yml"))
    assert environment["name"] == "face2face-demo" and "prefix" not in environment
    *of_conda, of_pip = environment["dependencies"]
    assert of_pip == {"pip": ["-r requirements.txt"]}
    assert all(isinstance(each, str) and each.count("=") <= 2 for each in of_conda)  # no build strings
    (python,) = [each for each in of_conda if each.startswith("python")]
    low, high = re.fullmatch(r"python>=3\.(\d+),<3\.(\d+)", python.replace(" ", "")).groups()
    assert (int(low), int(high)) == (10, 14)
    assert int(low) <= sys.version_info.minor < int(high)


def test_make_names_its_targets():
    makefile = read("Makefile")
    phony = re.search(r"\.PHONY: (.+)", makefile)[1].split()
    assert {"help", "demo", "test"} <= set(phony)
    for target in phony:
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target
