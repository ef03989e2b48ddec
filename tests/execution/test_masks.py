"""A secret is not seen in what an instance prints or says, whatever form it takes there."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from runner.execution.masks import Masks


def test_keys_of_several_lines_and_quoted_forms_are_masked() -> None:
    masks = Masks(["-----BEGIN-----\nabcdefgh\n-----END-----\n", "p@ss/word"])

    assert masks.hide("abcdefgh") == "***"
    assert masks.hide("postgresql://etl:p%40ss%2Fword@db") == "postgresql://etl:***@db"
    assert masks.hide_all({"a": ["p@ss/word", 1, None]}) == {"a": ["***", 1, None]}


@pytest.mark.parametrize("secret", ["geheim-1234", "p?>~ÿss", "abcd", "x" * 200 + "Zz9/+"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_secret_is_masked_alone_and_behind_a_name(
    secret: str, encode: Callable[[bytes], bytes]
) -> None:
    masks = Masks([secret, f"etl:{secret}"])
    for text in (secret, f"etl:{secret}"):
        whole = encode(text.encode()).decode()
        assert masks.hide(f"Authorization: Basic {whole}") == "Authorization: Basic ***"
        assert masks.hide(f"Authorization: Basic {whole.rstrip('=')}!") == "Authorization: Basic ***!"
        assert masks.hide_bytes(b"<" + whole.encode() + b">") == b"<***>"


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "somebody"])
def test_base64_of_a_secret_between_other_things_is_masked_but_for_its_edges(name: str) -> None:
    text = f'{name}:geheim-1234", "more": 1'
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        hidden = Masks(["geheim-1234"]).hide(encode(text.encode()).decode())
        assert "***" in hidden
        assert b"eheim-123" not in base64.b64decode(hidden.replace("***", "") + "==", b"-_")


def test_lines_of_a_long_key_in_base64_are_masked() -> None:
    key = "".join(chr(33 + n % 90) for n in range(300))
    masks = Masks([key])
    for width in (64, 76):
        text = base64.b64encode(key.encode()).decode()
        wrapped = "\n".join(text[at : at + width] for at in range(0, len(text), width))
        assert set(masks.hide(wrapped).split("\n")) == {"***"}


@pytest.mark.parametrize("secret", ["", " ", "abc", "\n"])
def test_texts_too_short_to_be_secrets_mask_nothing(secret: str) -> None:
    assert Masks([secret]).hide("abc def \n") == "abc def \n"
