from __future__ import annotations

import time

from stepflow_tui.core.identity import LENGTH, is_id, new_id


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5000


def test_an_id_tells_its_time() -> None:
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    value = 0
    for letter in new_id():
        value = value * 32 + alphabet.index(letter)
    assert abs((value >> 80) - time.time() * 1000) < 5000


def test_what_is_an_id() -> None:
    assert is_id(new_id())
    assert len(new_id()) == LENGTH
    assert not is_id("42")
    assert not is_id("u" * LENGTH)
    assert not is_id("../" + "0" * (LENGTH - 3))
