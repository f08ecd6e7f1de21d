"""Released models: converted weights against the formulas of the released code, and what PyTorch gave.

Most checkpoints here are invented, with tensors of the released shapes. The formulas are written channels first, with
library convolutions, as the released code is; tolerances are of float32.
"""

import csv
import os
from importlib import resources
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.trees import named_arrays
from perspectives.protein.autoencoders import ConvolutionAutoencoder
from perspectives.protein.models import ORACLE, architecture, restored_oracles, restored_predictor
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.released import (
    LATENTS,
    LENGTHS,
    MOST_KEPT,
    PREDICTIONS,
    REFERENCE_TIMES,
    REFERENCES,
    autoencoder_parts,
    differences,
    predictor_parts,
    reference_answers,
    reference_codes,
    released_autoencoder,
    released_predictor,
    released_velocity,
    thinned,
    velocity_parts,
)
from perspectives.protein.sequences import one_hot
from perspectives.protein.settings import TaskSettings
from perspectives.protein.steps.check_released import check_released
from perspectives.protein.steps.convert_released import convert_released
from perspectives.protein.velocities import UNet
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import read_measures
from perspectives.workbench.tables import read_rows

REFERENCE = Path(str(resources.files("perspectives.protein"))) / "reference_outputs.csv"
KNOWN = read_rows(REFERENCE)
TASKS = ("aav_medium", "aav_hard", "gfp_medium", "gfp_hard")


def tensors(seed, **shapes):
    rng = np.random.default_rng(seed)
    return {name: (0.2 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def layer(name, *shape, biases=None):
    return {f"{name}.weight": shape, f"{name}.bias": (shape[0] if biases is None else biases,)}


AUTOENCODER = tensors(
    0,
    **{"embedding.weight": (20, 64)},
    **layer("encoder.0", 128, 64, 3), **layer("encoder.2", 64, 128, 3), **layer("encoder.4", 32, 64, 3),
    **layer("fc_mu", 16, 224), **layer("fc_logvar", 16, 224), **layer("fc_dec", 224, 16),
    **layer("decoder.0", 32, 64, 3, biases=64), **layer("decoder.2", 64, 128, 3, biases=128),
    **layer("decoder.4", 128, 64, 3, biases=64), **layer("output_proj", 20, 64),
)  # fmt: skip
PREDICTOR = tensors(1, **layer("encoder", 256, 20, 5), **layer("embedding.layer", 512, 256), **layer("decoder", 1, 512))
LIGHTNING = {"state_dict": {f"predictor.{name}": tensor for name, tensor in PREDICTOR.items()}, "epoch": 3}


def convolved(x, state, name, *, stride=1, border=1):
    """Return a convolution, channels first."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return jax.lax.conv_general_dilated(x, weight, (stride,), ((border, border),)) + bias[:, None]


def transposed(x, state, name, *, stride, more):
    """Return a transposed convolution: position i of the input, times W_j, goes to position stride i + j - 1."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    n, _, positions = x.shape
    found = np.zeros((n, weight.shape[1], stride * (positions - 1) + 3 + more))
    for i in range(positions):
        for j in range(3):
            found[:, :, stride * i + j] += np.asarray(x)[:, :, i] @ weight[:, :, j]
    return found[:, :, 1 : 1 + stride * positions] + bias[:, None]


def test_converted_autoencoder_is_the_released_codes_formula():
    model = released_autoencoder({"W": AUTOENCODER}, "aav_medium", "invented")
    tokens = np.random.default_rng(2).integers(0, 20, (3, 28)).astype(np.uint8)
    relu = jax.nn.relu
    h = jnp.asarray(AUTOENCODER["embedding.weight"][tokens].transpose(0, 2, 1))
    for name, stride in (("encoder.0", 1), ("encoder.2", 2), ("encoder.4", 2)):
        h = relu(convolved(h, AUTOENCODER, name, stride=stride))
    flat = h.reshape(3, -1)
    for found, name in zip(
        eqx.filter_jit(lambda x: model.encode(x))(jnp.asarray(one_hot(tokens))), ("fc_mu", "fc_logvar"), strict=True
    ):
        expected = flat @ AUTOENCODER[f"{name}.weight"].T + AUTOENCODER[f"{name}.bias"]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    z = np.random.default_rng(3).standard_normal((3, 16)).astype(np.float32)
    h = np.maximum(z @ AUTOENCODER["fc_dec.weight"].T + AUTOENCODER["fc_dec.bias"], 0).reshape(3, 32, 7)
    h = np.maximum(transposed(h, AUTOENCODER, "decoder.0", stride=2, more=1), 0)
    h = np.maximum(transposed(h, AUTOENCODER, "decoder.2", stride=2, more=1), 0)
    h = transposed(h, AUTOENCODER, "decoder.4", stride=1, more=0).transpose(0, 2, 1)
    expected = h @ AUTOENCODER["output_proj.weight"].T + AUTOENCODER["output_proj.bias"]
    np.testing.assert_allclose(eqx.filter_jit(lambda z: model.decode(z))(z), expected, rtol=1e-4, atol=1e-4)


def test_converted_predictor_is_the_released_codes_formula():
    model = released_predictor(LIGHTNING, "invented")
    x = jax.nn.softmax(jnp.asarray(np.random.default_rng(4).standard_normal((3, 28, 20)), jnp.float32))
    h = convolved(x.transpose(0, 2, 1), PREDICTOR, "encoder", border=0).transpose(0, 2, 1)
    h = jax.nn.relu(h @ PREDICTOR["embedding.layer.weight"].T + PREDICTOR["embedding.layer.bias"]).max(1)
    expected = (h @ PREDICTOR["decoder.weight"].T + PREDICTOR["decoder.bias"])[:, 0]
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        pytest.param(lambda key: UNet(key=key), velocity_parts(), id="velocity"),
        pytest.param(lambda key: ConvolutionAutoencoder(28, 16, key=key), autoencoder_parts(), id="autoencoder"),
        pytest.param(lambda key: ConvolutionPredictor(key=key), predictor_parts(), id="predictor"),
    ],
)
def test_every_array_is_one_tensor_and_no_two_the_same(make, parts):
    shapes = eqx.filter_eval_shape(make, jax.random.key(0))
    paths = {jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(shapes)}
    assert set(parts) == paths
    assert len({name for name, _ in parts.values()}) == len(parts)


def without(state, *names):
    return {name: tensor for name, tensor in state.items() if name not in names}


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        pytest.param(lambda: released_autoencoder({}, "aav_hard", "f.pt"), "f.pt has no entry 'W'", id="no entry"),
        pytest.param(lambda: released_velocity({"state_dict": {"a": 1.0}}, "f.pt"), "no entry 'state_dict'", id="kind"),
        pytest.param(
            lambda: released_autoencoder({"W": without(AUTOENCODER, "fc_mu.bias", "fc_mu.weight")}, "aav_hard", "f.pt"),
            "f.pt holds another network: missing fc_mu.bias, fc_mu.weight; unexpected nothing", id="missing",
        ),
        pytest.param(
            lambda: released_predictor({"state_dict": PREDICTOR | {"norm.g": PREDICTOR["decoder.bias"]}}, "f.ckpt"),
            "missing nothing; unexpected norm.g", id="unexpected",
        ),
        pytest.param(
            lambda: released_autoencoder({"W": AUTOENCODER}, "gfp_hard", "f.pt"), "f.pt holds tensors of other shapes",
            id="another length",
        ),
        pytest.param(
            lambda: released_predictor({"state_dict": PREDICTOR | {"decoder.weight": PREDICTOR["decoder.bias"]}}, "f"),
            "f holds tensors of other shapes", id="another rank",
        ),
    ],
)  # fmt: skip
def test_another_network_is_refused_with_its_tensors_named(convert, message):
    with pytest.raises(ValueError, match=message):
        convert()


# --- What PyTorch gave


def test_the_reference_has_all_answers_and_is_small():
    file = resources.files("perspectives.protein").joinpath("reference_outputs.csv")
    text = file.read_text()
    assert len(text) < 60_000
    assert list(csv.DictReader(text.splitlines()).fieldnames or ()) == ["task", "quantity", "row", "values"]
    for task in TASKS:
        answers = reference_answers(KNOWN, task)
        others = ["mean", "log_variance", "logits", *(f"velocity_{t:g}" for t in REFERENCE_TIMES)]
        assert set(answers) == {*PREDICTIONS, *others}
        for name, answer in answers.items():
            assert answer.shape == (REFERENCES, 1 if name in PREDICTIONS else MOST_KEPT), name
            assert np.isfinite(answer).all()
            assert len(np.unique(answer)) > answer.size / 2, f"{name} tells sequences apart"
    with pytest.raises(ValueError, match="Nothing was released for the task 'gb1_default'"):
        reference_answers(KNOWN, "gb1_default")


def test_differences_are_the_largest_of_each_kind():
    theirs = reference_answers(KNOWN, "aav_hard")
    assert differences(theirs, theirs) == (0, 0)
    off = {name: answer.copy() for name, answer in theirs.items()}
    off["smoothed_soft"][3] += 0.25
    off["velocity_0.4"][1, 2] -= 0.5
    np.testing.assert_allclose(differences(off, theirs), (0.25, 0.5), atol=1e-12)


def test_long_answers_are_thinned_evenly():
    answer = np.arange(2 * 5 * 20, dtype=np.float32).reshape(2, 5, 20)
    found = thinned(answer)
    assert found[0].tolist() == np.linspace(0, 99, MOST_KEPT).round().tolist()
    np.testing.assert_array_equal(found[1], found[0] + 100)
    assert thinned(np.ones(3, np.float32)).shape == (3, 1)
    assert reference_codes(16)[1, 0] == np.float32(2 * np.sin(17))


def test_released_models_have_their_own_networks_whatever_is_trained_here():
    settings = TaskSettings().model_copy(update={"rows": 7})
    own = settings.model_copy(
        update={"predictor": settings.predictor.model_copy(update={"kind": "ridge", "epochs": 3})}
    )
    assert architecture(own, "own") is own
    found = architecture(own, "released")
    assert found.predictor.kind == found.autoencoder.network == "convolutions"
    assert found.prior.network == "unet"
    assert (found.rows, found.predictor.epochs) == (7, 3)


@pytest.fixture(scope="module")
def mirror():
    folder = Path(os.environ.get("PERSPECTIVES_MIRROR", "")) / "protein"
    if "PERSPECTIVES_MIRROR" not in os.environ or not folder.is_dir():
        pytest.skip("no mirror of the released files")
    return folder


def test_the_released_models_answer_as_in_pytorch(mirror, tmp_path):
    task, names = "aav_medium", ("autoencoder", "prior", "unsmoothed", "smoothed", "oracles")
    files = {name: tmp_path / f"{name}.npz" for name in names}
    convert_released(
        task=task,
        flow=mirror / f"flow_{task}.pt",
        unsmoothed=mirror / f"predictor_unsmoothed_{task}.ckpt",
        smoothed=mirror / f"predictor_smoothed_{task}.ckpt",
        oracle=mirror / "oracle_aav.ckpt",
        autoencoder=files["autoencoder"],
        prior=files["prior"],
        unsmoothed_predictor=files["unsmoothed"],
        smoothed_predictor=files["smoothed"],
        oracles=files["oracles"],
    )
    check_released(
        reference=REFERENCE,
        tasks=[task],
        bases=[mirror / f"{task}.csv"],
        autoencoders=[files["autoencoder"]],
        priors=[files["prior"]],
        unsmoothed=[files["unsmoothed"]],
        smoothed=[files["smoothed"]],
        oracles=[files["oracles"]],
        measures=tmp_path / "released_measures.csv",
    )
    found = read_measures(tmp_path / "released_measures.csv")
    assert 0 < found["largest_predictor_difference"].value < 1e-4
    assert 0 < found["largest_generator_difference"].value < 1e-3
    # 0.925363 by the networks in PyTorch of which the reference is.
    assert found["aav_medium_token_accuracy"].value == pytest.approx(0.925363, abs=1e-3)
    oracle = restored_oracles(read_groups(files["oracles"]))[ORACLE]
    other = restored_predictor(TaskSettings().predictor, LENGTHS["aav"], read_groups(files["unsmoothed"]))
    assert not np.allclose(named_arrays(oracle)[".out.bias"], named_arrays(other)[".out.bias"])
    assert LATENTS["aav"] == 16
    with pytest.raises(ValueError, match="the groups are released, but a model has one"):
        restored_predictor(TaskSettings().predictor, LENGTHS["aav"], read_groups(files["oracles"]))
