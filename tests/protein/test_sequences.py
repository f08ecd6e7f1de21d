"""Letters to numbers and back, and distances."""

import numpy as np
import pytest

from perspectives.protein.sequences import ALPHABET, decoded, encoded, hamming, levenshtein, one_hot


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(0, 20, (30, 12), dtype=np.uint8)


def test_tokens_are_places_in_the_alphabet_and_come_back(tokens):
    assert len(set(ALPHABET)) == 20
    np.testing.assert_array_equal(encoded([ALPHABET])[0], np.arange(20))
    np.testing.assert_array_equal(encoded(decoded(tokens)), tokens)


def test_a_one_hot_has_a_one_at_each_token(tokens):
    found = one_hot(tokens)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.argmax(2), tokens)
    np.testing.assert_array_equal(found.sum(2), 1)


def test_hamming_counts_the_places_that_differ(tokens):
    direct = (tokens[:, None] != tokens[None, :7]).sum(2)
    np.testing.assert_array_equal(hamming(tokens, tokens[:7]), direct)


def test_levenshtein_is_a_distance_no_larger_than_hamming(tokens):
    letters = decoded(tokens)
    found = levenshtein(letters, letters)
    assert (found <= hamming(tokens, tokens)).all()
    np.testing.assert_array_equal(found == 0, np.eye(len(letters), dtype=bool))
    np.testing.assert_array_equal(found, found.T)
    assert (found[:, None] <= found[:, :, None] + found[None]).all(), "no detour is shorter"


def test_levenshtein_of_a_shift_is_two_where_hamming_is_the_length():
    shifted = ALPHABET[1:] + ALPHABET[0]
    assert levenshtein([ALPHABET], [shifted]) == 2
    assert hamming(encoded([ALPHABET]), encoded([shifted])) == 20


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        pytest.param([], "at least one", id="none"),
        pytest.param(["ARN", "AR"], "Row 2: the sequence has 2 residues, but row 1 has 3", id="length"),
        pytest.param(["ARN", "ARX"], "Row 2: 'X' is no residue", id="letter"),
    ],
)
def test_what_is_no_set_of_sequences_is_refused(sequences, message):
    with pytest.raises(ValueError, match=message):
        encoded(sequences)
