"""What is remembered of adapters beside them, in `choices.json` of their folder: each project's own adapter, and which
were taken back because their answers were rated worse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shammah_tui.errors import HomeError
from shammah_tui.files import private_folder, write_private

NAME = "choices.json"


@dataclass(frozen=True, slots=True)
class Worse:
    """How the answers of an adapter were rated, against those before it."""

    reds: int
    rated: int
    reds_before: int
    rated_before: int
    probability: float
    """That its share of reds is the higher one."""

    def __str__(self) -> str:
        before = f"{self.reds_before} of {self.rated_before}" if self.rated_before else "none of 0"
        return (
            f"red ratings {before} → {self.reds} of {self.rated} "
            f"({_share(self.reds_before, self.rated_before)} → {_share(self.reds, self.rated)}, "
            f"worse with probability {self.probability:.0%})"
        )


class TakenBack(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    reds: int
    rated: int
    reds_before: int
    rated_before: int
    probability: float
    newest_rating: int = 0
    """Ratings up to this number spoke against it; a person who takes it again is judged by later ones."""
    again: bool = False
    """The person took it into use again."""

    @property
    def worse(self) -> Worse:
        return Worse(self.reds, self.rated, self.reds_before, self.rated_before, self.probability)


class Choices(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    projects: dict[str, str] = Field(default_factory=dict)
    """The root of a project, and the name of its adapter, or "off"."""
    taken_back: dict[str, TakenBack] = Field(default_factory=dict)


class Memory:
    """Short work on a small file; the caller keeps it off an event loop. Raises HomeError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> Choices:
        try:
            return Choices.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Choices()
        except OSError as error:
            raise HomeError(f"{self.path} cannot be read: {error.strerror}.", "Check its owner and mode.") from error
        except ValidationError as error:
            raise HomeError(f"{self.path} is damaged.", "Remove it: it holds no more than choices.") from error

    def set_project(self, root: Path, name: str | None) -> None:
        """None forgets it."""
        found = self.read()
        projects = {known: chosen for known, chosen in found.projects.items() if known != str(root)}
        self._write(found.model_copy(update={"projects": projects | ({str(root): name} if name else {})}))

    def take_back(self, name: str, worse: Worse, newest_rating: int) -> None:
        found = self.read()
        told = TakenBack(
            reds=worse.reds,
            rated=worse.rated,
            reds_before=worse.reds_before,
            rated_before=worse.rated_before,
            probability=worse.probability,
            newest_rating=newest_rating,
        )
        self._write(found.model_copy(update={"taken_back": found.taken_back | {name: told}}))

    def take_again(self, name: str) -> None:
        """The person wants it nevertheless."""
        found = self.read()
        if (told := found.taken_back.get(name)) is not None and not told.again:
            again = told.model_copy(update={"again": True})
            self._write(found.model_copy(update={"taken_back": found.taken_back | {name: again}}))

    def _write(self, choices: Choices) -> None:
        private_folder(self.path.parent)
        write_private(self.path, choices.model_dump_json(indent=2).encode() + b"\n")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"
