"""The bundle that is measured: its folder, its configuration, an engine that knows it, the pieces of its corpus."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from continuo_daw.assistant.bundles.bundle import CARD, Bundle, Card, find_bundles
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import bundled_models, models_dir
from continuo_daw.training.config import CodecConfig, Config, ConfigError, config_of
from continuo_daw.training.corpus.pieces import CorpusError, Piece, load_pieces
from continuo_daw.training.families.table import FAMILIES

CODEC = {field.name for field in fields(CodecConfig)}


def folder_of(bundle: str) -> Path:
    """The folder of a bundle that is given as one or by the name of an installed model."""
    if (Path(bundle) / CARD).is_file():
        return Path(bundle)
    installed = {folder.name: folder for folder in find_bundles((bundled_models(), models_dir()))}
    if bundle not in installed:
        known = ", ".join(installed) or "none"
        raise AssistantError("no_model", f"{bundle} is neither a folder with a {CARD} nor a model; installed: {known}")
    return installed[bundle]


def config_of_card(card: Card, folder: Path) -> Config:
    """As much of a configuration as reading the data and running the graph take."""
    family = FAMILIES[card.family]
    own = {key: value for key, value in card.codec.items() if key not in CODEC}
    own |= {key: card.data[key] for key in family.kept if key in card.data}
    try:
        table = {
            "name": card.name,
            "title": card.title,
            "data": {"sets": card.data["sets"]},
            "codec": {key: value for key, value in card.codec.items() if key in CODEC},
            "model": {"family": card.family, "layers": card.sizes.get("layers", 1), "hidden": card.sizes["hidden"]},
        }
        return config_of(table | ({family.own: own} if family.own else {}), CARD)
    except (KeyError, TypeError) as error:
        raise AssistantError("no_model", f"{folder}: {CARD} lacks what an evaluation needs: {error}") from None
    except ConfigError as error:
        raise AssistantError("no_model", f"{folder}: {error}") from None


def pieces_of(bundle: Bundle, data: Path, cache: Path) -> list[Piece]:
    """The pieces that the card of a bundle names. Raises AssistantError where they cannot be read."""
    try:
        table = {"name": bundle.card.name, "title": "", "data": {"sets": bundle.card.data["sets"]}}
        return load_pieces(data, config_of(table, CARD).data.sets, progress=True, cache=cache)[0]
    except KeyError:
        raise AssistantError("no_model", f"{bundle.folder}: {CARD} does not name its sets") from None
    except (ConfigError, CorpusError) as error:
        raise AssistantError("bad_args", f"{bundle.folder}: {error}") from None


def engine_of(bundle: Bundle) -> Engine:
    """An engine that knows the bundle. Raises AssistantError `no_model` where another one has its name."""
    name, folder = bundle.card.name, bundle.folder.resolve()
    engine = Engine([folder.parent], "cpu")
    if name not in engine.bundles or engine.bundles[name].folder != folder:
        raise AssistantError("no_model", f"{folder}: another bundle beside it is named {name}, too")
    return engine
