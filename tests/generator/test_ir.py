"""OpenVINO's own form of a graph, from strangers: read as OpenVINO reads it, or refused."""

import shutil
from pathlib import Path

import pytest

from face2face import loading
from face2face.cli import UserError
from face2face.generator import graph_check, openvino_engine, quantisation
from face2face.generator.generator import Generator
from tests.generator.test_graph_check import SIZE

KNOWN = '<rt_info><face2face><target value="{}"/></face2face></rt_info>'
"""What tells that an IR is this project's."""


@pytest.fixture(scope="module")
def ir(frozen_model, tmp_path_factory):
    """A graph in OpenVINO's form."""
    import openvino

    path = tmp_path_factory.mktemp("ir") / "model.xml"
    openvino.save_model(loading.openvino_core().read_model(frozen_model), path)
    return path


@pytest.fixture
def own_ir(ir, tmp_path):
    """A copy of it that a test may change."""
    shutil.copy(ir.with_suffix(".bin"), tmp_path)
    return Path(shutil.copy(ir, tmp_path))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('type="Tanh"', 'type="ReadValue"', r"refused .*model\.xml: its operation ReadValue \("),
        ('type="Tanh" version="opset1"', 'type="Tanh" version="mine"', r"its operation mine\.Tanh \("),
        ("<layer ", '<layer xmlns="urn:x" ', "it has namespaces"),
        ("<net ", '<net xmlns:x="urn:x" ', "it has namespaces"),
        ("<net ", '<!DOCTYPE net [<!ENTITY a "aaaa">]><net ', "it has entities, or comments"),
        ("<net ", "<?instruction?><net ", "it has instructions"),
        ("</net>", "", "damaged, or no IR at all"),
        ("</net>", "<layers/></net>", "parts that an IR does not have"),
        ("</net>", "<rt_info>" + "<a>" * 50 + "</a>" * 50 + "</rt_info></net>", "parts that an IR|nested"),
        ('names="image_tensor:0"', 'names="picture:0"', "it has no such tensors"),
        ('shape="64,128,3"', 'shape="64,64,3"', r"of shape \(S, 2 S, 3\), got \[64, 64, 3\]"),
        ('offset="0"', 'offset="999999999"', "a constant of 12 bytes at 999999999"),
        ('from-layer="0"', 'from-layer="5000"', "reads what is not there"),
    ],
)
def test_an_ir_is_looked_at_as_well(own_ir, old, new, message):
    text = own_ir.read_text()
    assert graph_check.check(own_ir).image_size == SIZE
    assert old in text
    own_ir.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        graph_check.check(own_ir)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7", "latin-1"])
def test_an_ir_in_another_encoding_is_refused(own_ir, encoding):
    """Another reader of XML takes it for what we see: a DOCTYPE, for one, hides in UTF-16."""
    text = own_ir.read_text().replace('version="1.0"?', f'version="1.0" encoding="{encoding}"?')
    own_ir.write_bytes(text.replace("</net>", '<rt_info a="\xe4"/></net>').encode(encoding))
    with pytest.raises(UserError, match=r"its text is not UTF-8|it has instructions|damaged, or no IR"):
        graph_check.check(own_ir)


def test_an_ir_that_lies_about_its_sizes_is_measured(own_ir):
    """The sides that its ports name are not read: its inputs and attributes tell what is computed."""
    text = own_ir.read_text()
    strides = 'strides="2, 2" dilations="1, 1" pads_begin="0, 0" pads_end="0, 0" auto_pad="same_upper"'
    assert strides in text
    own_ir.write_text(text.replace(strides, strides.replace("2, 2", "1, 1"), 1))
    with pytest.raises(UserError, match="does not fit its inputs"):
        graph_check.check(own_ir)
    padded = strides.replace('begin="0, 0"', 'begin="60000, 60000"').replace("same_upper", "explicit")
    own_ir.write_text(text.replace(strides, padded, 1))
    with pytest.raises(UserError, match=r"at most 67,108,864 values are expected"):
        graph_check.check(own_ir)


def test_what_openvino_itself_has_read_is_compared_with_the_list(own_ir, monkeypatch):
    """As if our reader had missed an operation: what is compiled is what was compared."""
    Generator(own_ir, "openvino")
    monkeypatch.setattr(openvino_engine, "OPERATIONS", openvino_engine.OPERATIONS - {"Tanh"})
    with pytest.raises(UserError, match=r"refused .*model\.xml: its operation Tanh \("):
        Generator(own_ir, "openvino")


def test_an_ir_needs_its_weights(own_ir):
    weights = own_ir.with_suffix(".bin")
    weights.write_bytes(b"too few")
    with pytest.raises(UserError, match=r"expected a frozen graph .*model\.xml"):
        Generator(own_ir)
    weights.unlink()
    with pytest.raises(UserError, match=r"the weights of the frozen model not found: .*model\.bin"):
        Generator(own_ir)


def test_weights_of_another_model_do_not_keep_a_folder_from_being_written_to(ir, own_ir):
    """A smaller model's .bin beside an older .xml, as after a kill: both are ours to replace."""
    own_ir.with_suffix(".bin").write_bytes(ir.with_suffix(".bin").read_bytes()[:-64])
    assert not quantisation.is_ours(own_ir) and not quantisation.is_int8_of_ours(own_ir)
    own_ir.write_text(own_ir.read_text().replace("</net>", f"{KNOWN}</net>"))
    assert not quantisation.is_ours(own_ir) and quantisation.is_int8_of_ours(own_ir)
    own_ir.write_text("mine")
    assert not quantisation.is_int8_of_ours(own_ir)
