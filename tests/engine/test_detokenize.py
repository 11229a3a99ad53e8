from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from shammah_tui.engine.detokenize import TextStream, tokens_until_stop

PARTS = st.lists(st.binary(max_size=5), max_size=12)
# A small alphabet, so that stop strings overlap with the text and with one another.
WORDS = st.text("abé\U0001f600", max_size=4)


def stream_text(parts: list[bytes], stops: list[str]) -> tuple[str, bool]:
    stream = TextStream(stops)
    text = "".join(stream.push(part) for part in parts)
    return text + stream.finish(), stream.stopped


@given(PARTS)
@example([b"\xf0\x9f", b"\x98\x80"])
@example([b"\xe2\x82", b"x"])
def test_any_split_of_the_bytes_gives_the_text_of_the_whole(parts: list[bytes]) -> None:
    assert stream_text(parts, [])[0] == b"".join(parts).decode("utf-8", "replace")


@given(st.lists(WORDS, max_size=10), st.lists(WORDS.filter(bool), max_size=3), st.randoms())
def test_a_stop_string_cuts_at_the_same_place_however_the_text_is_split(
    words: list[str], stops: list[str], random: object
) -> None:
    data = "".join(words).encode()
    whole = stream_text([data], stops)
    by_byte = stream_text([data[at : at + 1] for at in range(len(data))], stops)
    assert by_byte == whole == stream_text([word.encode() for word in words], stops)


@given(st.lists(WORDS, max_size=10), st.lists(WORDS.filter(bool), min_size=1, max_size=3))
def test_no_text_at_or_beyond_a_stop_string_is_ever_given(words: list[str], stops: list[str]) -> None:
    full = "".join(words)
    text, stopped = stream_text([word.encode() for word in words], stops)
    assert full.startswith(text)
    assert stopped == any(stop in full for stop in stops)
    assert not any(stop in text for stop in stops)
    if stopped:
        assert any(full[len(text) :].startswith(stop) for stop in stops)
    else:
        assert text == full


def test_text_that_may_begin_a_stop_string_waits_and_comes_when_it_does_not() -> None:
    stream = TextStream(["END"])
    assert stream.push(b"the E") == "the "
    assert stream.push(b"N") == ""
    assert stream.push(b"tity") == "ENtity"


def test_a_character_cut_short_at_the_end_becomes_a_replacement_character() -> None:
    stream = TextStream()
    assert stream.push("ü".encode()[:1]) == ""
    assert stream.finish() == "\ufffd"


def test_tokens_after_the_one_that_completes_the_stop_string_do_not_count() -> None:
    assert tokens_until_stop(TextStream(["b"]), [b"a", b"ab", b"c"]) == (2, "aa")
