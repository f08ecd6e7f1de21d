import json
from pathlib import Path

import pytest

from perspectives.suite.settings import Settings, read_config, resolve
from perspectives.workbench.claims import PRESETS
from perspectives.workbench.errors import UserError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "workflow" / "presets"


def test_the_presets_are_those_that_claims_may_name():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_resolves(preset):
    assert resolve({"preset": preset}, FOLDER).preset == preset


def test_paper_preset_changes_no_size():
    assert resolve({"preset": "paper"}, FOLDER) == Settings(preset="paper", device="gpu")


def test_overrides_lie_over_the_preset():
    settings = resolve({"preset": "smoke", "highres": {"race": {"seeds": 7}}}, FOLDER)
    assert (settings.highres.race.seeds, settings.highres.race.epochs) == (7, 2)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param({"preset": "smok"}, ["'smok'", "smoke", "config.yaml"], id="unknown preset"),
        pytest.param({"highres": {"race": {"sedes": 3}}}, ["highres.race.sedes", "did you mean 'seeds'"], id="unknown"),
        pytest.param({"highres": {"race": {"seeds": "many"}}}, ["highres.race.seeds", "'many'", "integer"], id="type"),
        pytest.param({"highres": {"race": {"seeds": 1}}}, ["highres.race.seeds", "= 1", "2"], id="out of range"),
        pytest.param({"highres": 3}, ["highres", "= 3"], id="a number for a section"),
        pytest.param({"seed": -1}, ["seed", "-1"], id="negative seed"),
    ],
)
def test_a_mistake_is_named_with_its_value_and_what_is_allowed(config, words):
    with pytest.raises(UserError) as caught:
        resolve(config, FOLDER)
    for word in words:
        assert word in str(caught.value)


def test_every_setting_is_described():
    def fields(model, path=""):
        for name, field in model.model_fields.items():
            if hasattr(field.annotation, "model_fields"):
                assert field.annotation.__doc__, path + name
                yield from fields(field.annotation, f"{path}{name}.")
            else:
                yield path + name, field

    for name, field in fields(Settings):
        assert field.description, name


def test_schema_file_is_current():
    written = (ROOT / "workflow" / "schemas" / "settings.json").read_text()
    current = json.dumps(Settings.model_json_schema(), indent=1, sort_keys=True) + "\n"
    assert written == current, "run: make schema"


BOMB = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 1}]" for i in range(30))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(f"{BOMB}\nseed: *a29\n", "Setting 'seed' = [[...]", id="9^29 ones"),
        pytest.param(f"{BOMB}\npreset: *a29\n", "Unknown preset [[...]", id="the same for a preset"),
        pytest.param("seed: " + "[" * 20_000, "not valid YAML", id="a thousand brackets"),
        pytest.param("seed: 2001-99-99\n", "not valid YAML", id="no day of the year"),
        pytest.param("seed: " + "9" * 5000, "not valid YAML", id="more digits than Python reads"),
        pytest.param("seed: 0x" + "f" * 5000, "at most 64 bits", id="more digits than Python writes"),
        pytest.param("seed: 9223372036854775808", "at most 64 bits", id="more than a random key takes"),
    ],
)
def test_a_file_that_would_fill_memory_or_a_screen_is_refused_in_a_few_words(tmp_path, text, words):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        resolve(read_config(file), FOLDER)
    assert words in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 300
