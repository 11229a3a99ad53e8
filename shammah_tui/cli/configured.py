"""What every command does first: read the settings, write the defaults on the first start, say what looks odd, and,
where the settings say offline, close this process off from other machines."""

from __future__ import annotations

from argparse import Namespace

from shammah_tui.cli.terminal import tell_warning
from shammah_tui.config.document import write_defaults
from shammah_tui.config.load import Configuration, Origin, load
from shammah_tui.errors import ConfigError, ModelError

# The flag's name in the namespace, and the setting that it stands for.
FLAGS = {
    "model": "model.size",
    "temperature": "model.temperature",
    "max_tokens": "model.max_tokens",
    "keep_alive": "engine.keep_alive",
    "permission_mode": "permissions.mode",
}


def flags_of(options: Namespace) -> dict[str, object]:
    """The settings that `options` give, by their full names; None for those that they do not."""
    return {name: getattr(options, flag, None) for flag, name in FLAGS.items()}


def configured(options: Namespace) -> Configuration:
    """The settings with the flags of `options`; what is odd about them is told. Raises ConfigError, HomeError."""
    configuration = read_configuration(options)
    for warning in configuration.warnings:
        tell_warning(warning)
    return configuration


def read_configuration(options: Namespace) -> Configuration:
    """The same, and nothing is told. Raises ConfigError, HomeError."""
    write_defaults()
    configuration = load(flags_of(options))
    if configuration.settings.offline:
        from shammah_tui.offline import seal

        seal()
    return configuration


def wanted_model(configuration: Configuration) -> str | None:
    """The model that was asked for just now, by flag or environment; None leaves a running engine's as it is.

    Raises ConfigError, with the choices, where there is no such model.
    """
    value = configuration.values["model.size"]
    if value.origin not in (Origin.FLAG, Origin.ENVIRONMENT):
        return None
    from shammah_tui.bootstrap import catalog
    from shammah_tui.bootstrap.wish import WishKind, parse_wish

    try:
        wish = parse_wish(value.value, catalog.load())
    except ModelError as error:
        raise ConfigError(f"{value.where}: {error.message}", error.hint) from None
    if wish.kind is WishKind.PATH:
        if not wish.path.is_file():
            raise ConfigError(f"{value.where}: there is no file {wish.path}.", "`shammah models` lists what there is.")
        # The engine has a working folder of its own.
        return str(wish.path.absolute())
    return str(value.value)
