from pathlib import Path

import pytest

from shammah_tui.bootstrap import catalog
from shammah_tui.bootstrap.catalog import Artifact, CatalogModel
from shammah_tui.errors import ModelError

MODELS = catalog.read(catalog.BUNDLED).models
ARTIFACTS = [(model, artifact) for model in MODELS for artifact in model.artifact]

VOCABULARY_SMALL, VOCABULARY_LARGE, VOCABULARY_3 = 151_936, 152_064, 151_936
# Vocabulary, layers, query heads, key heads, width, inner width, tied head: from the models' own configurations.
QWEN25 = {
    "0.5b": (VOCABULARY_SMALL, 24, 14, 2, 896, 4864, True),
    "1.5b": (VOCABULARY_SMALL, 28, 12, 2, 1536, 8960, True),
    "3b": (VOCABULARY_SMALL, 36, 16, 2, 2048, 11008, True),
    "7b": (VOCABULARY_LARGE, 28, 28, 4, 3584, 18944, False),
    "14b": (VOCABULARY_LARGE, 48, 40, 8, 5120, 13824, False),
    "32b": (VOCABULARY_LARGE, 64, 40, 8, 5120, 27648, False),
}


def qwen25_parameters(vocabulary: int, layers: int, heads: int, keys: int, width: int, inner: int, tied: bool) -> int:
    head = width // heads
    attention = 2 * width * heads * head + heads * head + 2 * (width * keys * head + keys * head)
    layer = attention + 3 * width * inner + 2 * width
    return vocabulary * width * (1 if tied else 2) + layers * layer + width


@pytest.mark.parametrize(
    "model", [model for model in MODELS if model.generation == "qwen2.5"], ids=lambda model: model.id
)
def test_parameters_follow_from_the_architecture(model: CatalogModel) -> None:
    shape = QWEN25[model.size]
    assert model.parameters == qwen25_parameters(*shape)
    assert (model.layers, model.kv_heads, model.head_size) == (shape[1], shape[3], shape[4] // shape[2])


@pytest.mark.parametrize(("model", "artifact"), ARTIFACTS, ids=lambda value: getattr(value, "id", ""))
def test_each_artifact_is_pinned_and_of_a_plausible_size(model: CatalogModel, artifact: Artifact) -> None:
    assert len(artifact.revision) == 40
    assert all(len(file.sha256) == 64 for file in artifact.files)
    bits = 8 * artifact.size_bytes / model.parameters
    assert (
        {"Q8_0": 8.4, "Q4_K_M": 4.7}[artifact.quantization]
        < bits
        < {"Q8_0": 11.0, "Q4_K_M": 8.0}[artifact.quantization]
    )
    assert all(file.name.lower().endswith(".gguf") for file in artifact.files)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_each_model_says_where_it_was_seen_and_under_which_licence(model: CatalogModel) -> None:
    assert model.licence
    assert all("http" in seen or "github.com" in seen for seen in model.seen)
    assert ("Research" in model.licence) == (model.generation == "qwen2.5" and model.size == "3b")
    assert ("commercial" in model.licence_note) == ("Research" in model.licence)


def test_up_to_3b_is_served_as_q8_and_larger_as_q4() -> None:
    for model in MODELS:
        expected = "Q8_0" if model.parameters < 3.2e9 else "Q4_K_M"
        assert model.artifact[0].quantization == expected, model.id


def test_ids_and_artifacts_are_unique() -> None:
    assert len({model.id for model in MODELS}) == len(MODELS)
    assert len({artifact.id for _, artifact in ARTIFACTS}) == len(ARTIFACTS)


def test_memory_of_the_cache_follows_from_the_architecture() -> None:
    seven = catalog.read(catalog.BUNDLED).by_id("qwen2.5-coder-7b")
    assert seven is not None
    assert seven.kv_bytes_per_token == 2 * 28 * 4 * 128 * 2
    assert seven.chat_bytes(seven.artifact[0], 1000) - seven.chat_bytes(seven.artifact[0], 0) == 1000 * 57_344
    assert seven.safetensors_bytes == 15_231_233_024


@pytest.mark.parametrize(("size", "gigabytes"), [("0.5b", 3), ("1.5b", 5), ("3b", 9), ("7b", 18)])
def test_memory_to_train_agrees_with_the_learning_design(size: str, gigabytes: int) -> None:
    model = catalog.read(catalog.BUNDLED).by_size(size, "coder")
    assert model is not None
    assert abs(model.train_bytes / 1e9 - gigabytes) < 0.6


def test_a_size_prefers_the_family_and_then_what_learning_is_proved_for() -> None:
    known = catalog.read(catalog.BUNDLED)
    found = {family: known.by_size("14b", family) for family in ("coder", "instruct")}
    assert {family: model and model.id for family, model in found.items()} == {
        "coder": "qwen2.5-coder-14b",
        "instruct": "qwen2.5-14b",
    }


def test_a_repository_of_gguf_or_safetensors_leads_to_its_model() -> None:
    known = catalog.read(catalog.BUNDLED)
    for repo in ("Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "qwen/qwen2.5-coder-7b-instruct"):
        found = known.by_repo(repo)
        assert found is not None
        assert found.id == "qwen2.5-coder-7b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[model]\n", "cannot be read"),
        ('[[model]]\nid = "x"\n', "wrong at model.0."),
        ("model = 3\n", "wrong at model"),
    ],
)
def test_a_wrong_catalog_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(text)
    monkeypatch.setenv("SHAMMAH_CATALOG", str(file))
    with pytest.raises(ModelError, match=words) as caught:
        catalog.load()
    assert "SHAMMAH_CATALOG" in caught.value.hint
