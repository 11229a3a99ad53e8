"""Names, paths, addresses and constants, split so that what is tested was never seen in training.

A word, a number or a wording belongs to the held-out part when its checksum says so. The split therefore needs
no lists, is the same on every machine, and training can never draw a held-out name by accident.
"""

from __future__ import annotations

import keyword
import random
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

WORDS = tuple(
    """account action alarm album alias anchor angle answer archive area array arrow article asset atlas audio
    author badge balance banner barrel basket batch beacon bill block board body bonus border bottle branch
    bridge broker bucket budget buffer build bundle button cabin cable cache camera canvas card cargo carrier
    case cell center chain channel chapter chart check choice circle city class client clock cloud cluster coin
    color column comment company config contact content contract copy corner count country course cover credit
    crop cursor customer cycle data date deal debt deck degree delay demand depth design desk detail device
    digit dish disk door draft driver duration edge editor effect email engine entry error event factor farm
    feature feed fence field figure file filter finger flag fleet flight floor flow folder force form frame
    friend fruit garden gate gauge girl glass goal grade grain graph grid group guest guide hall handle harbor
    head height hero hint history holder hole host hotel house icon idea image index input invoice island item
    job join journal journey jump kernel key kitchen label lake lamp lane layer leader leaf league lesson letter
    level library light limit line link list loader location lock log loop machine mail map margin market mask
    match matrix meal member memory menu merchant message metal meter method minute mirror mode model module
    moment money month motor mount mouse movie name nation needle network node note notice number object offer
    office option orange order origin output owner package page panel paper parcel parent park parser part
    partner path pattern payment pencil person phase phone photo picture pilot pipe place plan planet plant
    player pocket point policy pool port portal position poster power prefix price printer prize process product
    profile project proof proxy pump queue quota quote race radio rain range rank rate ratio reader record
    region relay rent report request reserve result review reward rider ring risk river road robot role roof
    room root route row rule sale salt sample scale scene schedule school score screen script search seat second
    secret section seed segment sender sensor series server service session shadow shape share sheet shelf shift
    ship shop signal silver site size sketch slot snow socket song sound source space speaker speed spot stack
    staff stage stamp star state station status step stock stone storage store storm story stream street string
    student style sum summary supply switch symbol system table tag target task team tenant term test text theme
    thread ticket tile timer title token tool topic total tower track trade trail train transfer tree trend trip
    truck trust tunnel unit update user value vector vendor version video view village visit voice volume vote
    wagon wall wallet water wave weight wheel window winner wire wizard worker world writer year zone""".split()  # noqa: SIM905
)
VERBS = tuple(
    """add apply build change check clean clear close collect combine compute convert copy count create describe
    detect divide draw emit enable encode extract fetch fill find fix flush format gather get grow handle import
    join keep load lock make mark measure merge move notify open pack parse pick place plan play plot print
    process pull push read reduce register release render repair report reset resolve run save scan score select
    send set shrink sort split start stop store swap sync take tell toggle trace track update use validate
    verify visit wait walk wrap write""".split()  # noqa: SIM905
)
SMALL_WORDS = tuple(
    """a and are as at by for from how in is it not of on or our that the this to we with you your""".split()  # noqa: SIM905
)
COMMON_WORDS = tuple(
    """Shammah Python JavaScript Rust README Getting started Installation Usage Quick Contributing Changelog
    License Overview Introduction Requirements Configuration Features Roadmap Welcome Development Documentation
    Example Notes I it its he they them one two three first last next other same new old good small large simple
    fast slow free local common useful important different early late long short full empty real own more most
    many some any all each every no only also just now then here there when where while until because before
    after between under over above below about into onto with without within through against during again never
    always often sometimes still yet too very much less than but so if else either both neither what which who
    whose why how can could may might must shall should will would do does did done has have had was were been
    being be got give given go goes gone made taken come came see seen say says said know known think want wants
    need needs used using work works worked working runs running try tries tried kept let lets put ask asks
    asked help helps added like likes look looks looking found left right back down off out away language
    languages program programs people hand day days week way ways thing things parts kind kinds problem problems
    question questions answers errors warning missing broken failed allowed unknown ready available supported
    required optional default public private kitchen-sink built-in open-source command-line well-known
    up-to-date easy-to-use don't it's can't you're we'll isn't e.g. i.e. etc. v2 2.0 100% C++ HTTP JSON API CLI
    SQL""".split()  # noqa: SIM905
)
"""Words of the language rather than names. A text of them must be copied too, though none of them is ever a name."""
FOREIGN_WORDS = tuple(
    """café naïve über größer señor être Ångström façade coöperate — – … → ← ↔ ✓ ✗ × ÷ ≤ ≥ ≈ ± ° § © ™ € £ µ π λ ∑ √ ∞
    • · “quoted” ‘so’ «oui» שלום שָׁמָה עולם мир привет
    код κόσμος 日本語 世界 代码 한국어 مرحبا नमस्ते 🚀 🎉 ✨ ⚠️ 🔧""".split()  # noqa: SIM905
)
TOP_DOMAINS = ("com", "org", "net", "io", "dev", "de", "app", "co.uk", "info", "eu")
CODE_SUFFIXES = ("py", "js", "rs", "ts", "go", "c", "java", "sh")
TEXT_SUFFIXES = ("md", "txt", "toml", "json", "yaml", "csv", "ini", "html", "log", "cfg")
_SYLLABLES = tuple(c + v for c in "bdfgklmnprstvz" for v in "aeiou")
_LETTERS = "abcdefghijklmnopqrstuvwxyz" + "aeiorstnl"
_RESERVED = frozenset(
    """let var pub mod use mut new int str dict bool self sum len max min abs type ref func fn impl loop match move
    enum case float list map filter range object input format print open sorted math set id path result test""".split()  # noqa: SIM905
)
"""Names that would change what the code around them means."""


def is_heldout(text: str, one_in: int = 8) -> bool:
    """Whether `text` belongs to the part that is only ever used for tests."""
    return zlib.crc32(text.encode()) % one_in == 0


@dataclass(frozen=True)
class Draw:
    """Draws names and wordings of one part of the split."""

    rng: random.Random
    heldout: bool = False
    opaque: bool = False
    """Names are blends and random letters only: for learning a tokenizer that has no favourite names."""
    new_wordings: bool = True
    """Whether held-out draws use wordings that were never trained on too, or new names only."""
    long: bool = False
    """Whether results of tools are as long as real ones: a hundred lines rather than five."""

    def _part(self, text: str) -> bool:
        return is_heldout(text) == self.heldout and text not in _RESERVED and not keyword.iskeyword(text)

    def choice(self, options: Sequence[T]) -> T:
        return options[self.rng.randrange(len(options))]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def wording(self, options: Sequence[str], one_in: int = 6) -> str:
        """One of several ways to say a thing: in training never the held-out ones, in tests any."""
        if self.heldout and self.new_wordings:
            return self.choice(options)
        return self.choice([option for option in options if not is_heldout(option, one_in)] or options)

    def _letters(self) -> str:
        return "".join(self.choice(_LETTERS) for _ in range(self.rng.randint(3, 8)))

    def _blend(self) -> str:
        """Pieces of two words, held-out ones among them: every piece of a word is met, never the word itself."""
        first, second = self.choice(WORDS + VERBS), self.choice(WORDS + VERBS)
        start = first[: self.rng.randint(2, len(first))]
        return start + second[self.rng.randint(0, len(second) - 1) :]

    def word(self, *, digits: float = 0.06) -> str:
        """A lower-case word: an English noun, syllables, a blend, or random letters."""
        while True:
            kind = self.rng.random()
            if kind < digits:
                word = self._letters() + self.choice(string.digits) + self.choice(string.digits + _LETTERS)
            elif self.opaque:
                word = self._blend() if kind < 0.6 else self._letters()
            elif kind < 0.55:
                word = self.choice(WORDS)
            elif kind < 0.72:
                word = "".join(self.choice(_SYLLABLES) for _ in range(self.rng.randint(2, 4)))
            elif kind < 0.9:
                word = self._blend()
            else:
                word = self._letters()
            if self._part(word):
                return word

    def noun(self) -> str:
        """A word of letters alone."""
        return self.word(digits=0.0)

    def identifier(self) -> str:
        """A variable's name in snake_case."""
        return "_".join(self.word() for _ in range(1 if self.chance(0.5) else 2))

    def function_name(self) -> str:
        if self.chance(0.25):
            return self.identifier()
        return f"{self.choice(VERBS)}_{self.word()}"

    def camel(self) -> str:
        return camel(self.function_name())

    def constant(self, low: int = 2, high: int = 999) -> int:
        while True:
            number = self.rng.randint(low, high)
            if self.heldout == (number % 7 == 3) or high - low < 12:
                return number

    def folder(self) -> str:
        common = ("src", "tests", "docs", "lib", "app", "scripts", "packages", "server", "tools", "examples")
        parts = [self.choice(common) if self.chance(0.5) else self.word()]
        parts += [self.word() for _ in range(self.choice((0, 0, 0, 1, 1, 2)))]
        return "/".join(parts)

    def suffix(self) -> str:
        return self.choice(CODE_SUFFIXES + TEXT_SUFFIXES)

    def file_name(self, suffix: str | None = None) -> str:
        stem = self.choice(("_", "-", "_")).join(self.word() for _ in range(self.choice((1, 1, 2))))
        if self.chance(0.06):
            stem = stem.upper()
        return f"{stem}.{suffix or self.suffix()}"

    def path(self, suffix: str | None = None) -> str:
        name = self.file_name(suffix)
        place = self.rng.random()
        if place < 0.4:
            return name
        if place < 0.9:
            return f"{self.folder()}/{name}"
        return f"{self.choice(('/home/', '/tmp/', '/etc/', './', '../', '~/'))}{self.folder()}/{name}"

    def host(self) -> str:
        name = self.word() if self.chance(0.7) else f"{self.word()}-{self.word()}"
        prefix = self.choice(("", "", "www.", "docs.", "api.", f"{self.word()}."))
        return f"{prefix}{name}.{self.choice(TOP_DOMAINS)}"

    def url(self) -> str:
        tail = "".join(f"/{self.word()}" for _ in range(self.choice((0, 1, 1, 2, 3))))
        if self.chance(0.15):
            tail += self.choice((".html", ".json", ".txt", "/", f"?{self.word()}={self.constant()}"))
        return f"{'https' if self.chance(0.9) else 'http'}://{self.host()}{tail}"

    def phrase(self, low: int = 1, high: int = 4) -> str:
        """A few words of no meaning, for texts that must be copied; from three on, small words stand among them."""
        words = [self.word() for _ in range(self.rng.randint(low, high))]
        for at in range(1, len(words) - 1):
            if self.chance(0.3):
                words[at] = self.choice(SMALL_WORDS)
        return " ".join(words)

    def sentence(self, low: int = 2, high: int = 9) -> str:
        """Words as texts for people have them: common ones, names among them, and rarely some of another script."""
        words = []
        for _ in range(self.rng.randint(low, high)):
            kind = self.rng.random()
            if kind < 0.68:
                words.append(self.choice(COMMON_WORDS))
            elif kind < 0.99:
                words.append(self.word())
            else:
                words.append(self.choice(FOREIGN_WORDS))
        return " ".join(words)

    def text(self, low: int = 1, high: int = 4) -> str:
        """A short text that must be copied: of names, or of the words that texts for people are made of."""
        return self.phrase(low, high) if self.chance(0.6) else self.sentence(low, high)

    def secret(self) -> str:
        """A random string of mixed letters and digits."""
        while True:
            text = "".join(self.choice(string.ascii_letters + string.digits) for _ in range(self.rng.randint(4, 12)))
            if self._part(text):
                return text


def camel(name: str) -> str:
    """snake_case to camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
