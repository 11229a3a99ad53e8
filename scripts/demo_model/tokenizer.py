"""The tokenizer: byte-level BPE with Qwen2's pre-tokenizer, its merges learned from our own conversations.

A name is cut into the same tokens wherever it stands, behind a blank, a quote or an underscore: to copy it, a small
model then need not know how it is spelled. Merges are therefore learned on letters apart from what stands before
them; only frequent words that are no names get a token with their blank.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from scripts.demo_model.chat import TEMPLATE, TOOLS_HEAD, TOOLS_TAIL
from scripts.demo_model.network import CONTEXT
from scripts.demo_model.vocabulary import VERBS, WORDS

PRE_TOKENIZER = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LEARNING_SPLIT = r"s?[^\P{L}s]+|s|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How texts are cut while merges are learned: as above, but letters alone, and before every s.

So a plural is the tokens of its singular and an s.
"""
LED_WORD = r"[^\r\n\p{L}\p{N}]\p{L}{3,}"
LED_TOKENS = 400
"""How many tokens are left for frequent words with the sign before them."""
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PLAIN_TOKENS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
"""Added tokens that are part of the text: shown when tokens are turned back into text."""
SCAFFOLD_TOKENS = (
    TOOLS_HEAD,
    TOOLS_TAIL.partition("<tool_call>")[0],
    '{"type": "function", "function": {"name": "',
    '", "description": "',
    '", "parameters": {"type": "object", "properties": {"',
    *(
        f'": {{"type": "{kind}"}}{then}'
        for kind in ("string", "integer", "boolean")
        for then in (', "', '}, "required": ["')
    ),
    '"]}}}',
)
"""What stands around every tool's own words in a prompt, as one token each: the tools' part is a third as long so."""


def _pre_tokenizer(split: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    marks = re.compile("|".join(map(re.escape, (*SCAFFOLD_TOKENS, *CONTROL_TOKENS, *PLAIN_TOKENS))))
    given = [marks.sub("\n", text) for text in texts]
    learner = Tokenizer(BPE())
    learner.normalizer = normalizers.NFC()
    learner.pre_tokenizer = _pre_tokenizer(LEARNING_SPLIT)
    trainer = BpeTrainer(
        vocab_size=size - LED_TOKENS - len(CONTROL_TOKENS) - len(PLAIN_TOKENS) - len(SCAFFOLD_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(given, trainer)
    model = json.loads(learner.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    merges: list[tuple[str, str]] = [(first, second) for first, second in model["merges"]]
    _add_led_words(learner, given, vocabulary, merges, len(vocabulary) + LED_TOKENS)
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _pre_tokenizer(PRE_TOKENIZER)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in CONTROL_TOKENS])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in PLAIN_TOKENS + SCAFFOLD_TOKENS])
    return tokenizer


def _add_led_words(
    learner: Tokenizer, texts: Sequence[str], vocabulary: dict[str, int], merges: list[tuple[str, str]], size: int
) -> None:
    """Joins the most frequent words that no name is made of, each with the sign before it, until there are `size`."""
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LED_WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    found = Counter(piece for text in texts for piece, _ in cut.pre_tokenize_str(text))
    names = (*WORDS, *VERBS)
    for piece, _ in found.most_common():
        lead, word = piece[0], piece[1:]
        parts = learner.encode(word).tokens
        # Were " the" one token, " theme" would be cut otherwise than "theme": no name may begin with such a word.
        if any(name.startswith(word) for name in names) or len(parts) > 3 or len(vocabulary) + len(parts) > size:
            continue
        joined = parts[0]
        for part in parts[1:]:
            if joined + part not in vocabulary:
                merges.append((joined, part))
            joined += part
            vocabulary.setdefault(joined, len(vocabulary))
        merges.append((lead, word))
        vocabulary[piece] = len(vocabulary)


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes `tokenizer.json` and `tokenizer_config.json` as transformers reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "model_max_length": CONTEXT,
        "add_bos_token": False,
        "add_prefix_space": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": {
            str(tokenizer.token_to_id(text)): {
                "content": text,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": text in CONTROL_TOKENS,
            }
            for text in CONTROL_TOKENS + PLAIN_TOKENS + SCAFFOLD_TOKENS
        },
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
