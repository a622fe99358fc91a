"""A chain of entries shows every change: of a byte, of an entry, of the order, of the end."""

import json
import random

import pytest

from headrace.ml.audit.chain import BrokenEntryError, Head, Record, chained, origin, read_entry, stored_head
from headrace.ml.audit.verification import Place, verify

SAMPLES = 1000
ORIGIN = origin("bike")
EVENTS = ("registered", "approved", "deployed", "rejected", "rolled_back", "erased", "exported")


def chain(rng, length):
    """Return entries, chained, of drawn happenings."""
    entries, head = [], ORIGIN
    for number in range(length):
        record = Record(
            id=f"{rng.getrandbits(64):016x}",
            at=f"2026-11-{1 + number % 28:02}T10:00:00+00:00",
            event=rng.choice(EVENTS),
            by=f"arn:aws:iam::123456789012:user/{rng.choice(['ann', 'bøb', 'eve'])}",
            about={
                "version": rng.randrange(100),
                "share": rng.random(),
                "why": rng.choice(["", "ok", '"\\ü']),
            },
        )
        entries.append(chained(record, head))
        head = entries[-1].head
    return entries


def stored(entries):
    return {number: Place((entry.as_bytes(),)) for number, entry in enumerate(entries, 1)}


def found(places, *anchors):
    return [(each.number, each.kind) for each in verify(places, ORIGIN, anchors).findings]


@pytest.fixture
def rng():
    return random.Random(7)


@pytest.fixture
def entries(rng):
    return chain(rng, 9)


def test_what_was_written_is_intact_and_read_as_it_was_written(entries):
    verdict = verify(stored(entries), ORIGIN, [entries[-1].head])

    assert (verdict.intact, verdict.entries, verdict.head, verdict.anchored) == (True, 9, entries[-1].head, 9)
    assert [read_entry(entry.as_bytes()) for entry in entries] == entries


def test_an_empty_ledger_is_intact_and_one_whose_head_was_kept_is_not(entries):
    assert verify({}, ORIGIN).intact
    assert found({}, entries[0].head) == [(1, "truncated")]


def test_every_change_of_one_byte_is_found_in_a_thousand_drawn_ledgers(rng):
    for _ in range(SAMPLES):
        entries = chain(rng, rng.randint(1, 6))
        places = stored(entries)
        number = rng.randint(1, len(entries))
        (body,) = places[number].versions
        place, byte = rng.randrange(len(body)), rng.randrange(256)
        if body[place] == byte:
            byte ^= 1
        changed = body[:place] + bytes([byte]) + body[place + 1 :]

        assert (number, "altered") in found({**places, number: Place((changed,))}), changed


def test_every_bit_of_one_entry_counts(entries):
    body = entries[3].as_bytes()
    for place in range(len(body)):
        for bit in range(8):
            changed = body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]
            with pytest.raises(BrokenEntryError):
                read_entry(changed)


def test_every_entry_that_is_left_out_is_found_in_a_thousand_drawn_ledgers(rng):
    for _ in range(SAMPLES):
        entries = chain(rng, rng.randint(2, 6))
        places, gone = stored(entries), rng.randint(1, len(entries) - 1)
        del places[gone]

        assert (gone, "missing") in found(places)


def test_an_entry_that_is_left_out_behind_which_the_others_close_up_is_found(rng):
    for _ in range(SAMPLES):
        entries = chain(rng, rng.randint(2, 6))
        gone = rng.randrange(len(entries) - 1)
        left = stored(entries[:gone] + entries[gone + 1 :])

        assert (gone + 1, "moved") in found(left)


def test_every_exchange_of_two_entries_is_found(rng):
    for _ in range(SAMPLES):
        entries = chain(rng, rng.randint(2, 6))
        one, other = rng.sample(range(len(entries)), 2)
        entries[one], entries[other] = entries[other], entries[one]

        assert {(one + 1, "moved"), (other + 1, "moved")} <= set(found(stored(entries)))


def test_an_end_that_is_cut_off_is_found_by_the_head_that_was_kept_and_only_by_it(rng):
    for _ in range(SAMPLES):
        entries = chain(rng, rng.randint(2, 6))
        kept = rng.randint(0, len(entries) - 1)

        assert found(stored(entries[:kept])) == []
        assert found(stored(entries[:kept]), entries[-1].head) == [(kept + 1, "truncated")]


def test_an_entry_that_was_written_anew_with_a_right_hash_breaks_the_link_behind_it(entries):
    forged = chained(Record("x", "2026-11-01T10:00:00+00:00", "approved", "arn:eve"), entries[3].head)
    places = {**stored(entries), 5: Place((forged.as_bytes(),))}

    assert found(places) == [(6, "forked")]


def test_a_whole_end_that_was_written_anew_is_found_by_the_head_that_was_kept(rng, entries):
    forged, head = entries[:4], entries[3].head
    for entry in entries[4:]:
        forged.append(chained(Record(entry.record.id, entry.record.at, "approved", "arn:eve"), head))
        head = forged[-1].head

    assert found(stored(forged)) == []
    assert found(stored(forged), entries[-1].head) == [(9, "altered")]
    assert found(stored(forged), entries[3].head) == []


def test_two_versions_of_one_place_and_a_hidden_one_are_found(entries):
    places = stored(entries)
    second = chained(Record("x", "2026-11-01T10:00:00+00:00", "approved", "arn:eve"), entries[1].head)
    places[3] = Place((second.as_bytes(), *places[3].versions))
    places[5] = Place(places[5].versions, hidden=True)

    assert found(places) == [(3, "forked"), (5, "hidden")]


def test_a_ledger_of_another_pipeline_is_no_ledger_of_this_one(entries):
    assert [(each.number, each.kind) for each in verify(stored(entries), origin("rides")).findings] == [
        (1, "forked")
    ]


def test_behind_a_broken_entry_the_chain_goes_on(entries):
    broken = entries[8].as_bytes()[:-1]
    places = {**stored(entries[:8]), 9: Place((broken,))}
    places[10] = Place((chained(entries[8].record, stored_head(9, broken)).as_bytes(),))

    assert found(places) == [(9, "altered")]
    assert stored_head(8, entries[7].as_bytes()) == entries[7].head


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        json.dumps({"number": 1}).encode(),
    ],
)
def test_bytes_that_are_no_entry_are_told_so(stored):
    with pytest.raises(BrokenEntryError):
        read_entry(stored)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("number", True),
        ("number", 1.0),
        ("hash", "g" * 64),
        ("hash", None),
        ("about", []),
        ("format", 2),
        ("extra", 1),
    ],
)
def test_members_of_another_kind_are_told_so(entries, member, value):
    with pytest.raises(BrokenEntryError):
        read_entry(json.dumps({**entries[0].as_dict(), member: value}).encode())


def test_the_same_content_written_otherwise_is_altered(entries):
    with pytest.raises(BrokenEntryError, match="written otherwise"):
        read_entry(json.dumps(entries[0].as_dict()).encode())


def test_numbers_that_json_has_no_word_for_are_refused_before_they_are_written():
    with pytest.raises(ValueError, match="JSON"):
        chained(Record("a", "t", "e", "b", {"share": float("nan")}), Head(0, ORIGIN.hash))
