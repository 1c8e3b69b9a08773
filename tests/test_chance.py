"""Keyed draws: the same bits everywhere, uniform, and independent where keys differ at all."""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from innovation_abm.chance import (
    END,
    MASK,
    QUANTILES,
    Purpose,
    Stream,
    beta_quantiles,
    fold,
    group_seed,
    mix,
    name_key,
    normal,
    poisson,
    poisson_table,
    purpose_keys,
    quantile,
    uniform,
    uniforms,
    unit,
)

WORDS = st.integers(0, MASK)
SEEDS = st.integers(0, 2**63 - 1)
DRAWS = 200_000
# Tests of chance itself fail by chance: none may fail more than once in a million fixed seeds.
RARE = 1e-6


def stream_of_draws(key: int = 7, count: int = DRAWS) -> np.ndarray:
    return uniforms(key, np.arange(count, dtype=np.uint64))


# --- the same bits --------------------------------------------------------------------


@given(WORDS, st.lists(WORDS, min_size=1, max_size=20))
def test_scalars_and_arrays_give_the_same_bits(key, parts):
    array = np.array(parts, np.uint64)
    assert fold(key, array).tolist() == [fold(key, part) for part in parts]
    assert mix(array).tolist() == [mix(part) for part in parts]
    assert unit(array).tolist() == [unit(part) for part in parts]
    assert uniforms(key, array).tolist() == [uniform(key, part) for part in parts]


@given(WORDS, WORDS, st.lists(WORDS, min_size=1, max_size=9))
def test_arrays_of_keys_absorb_parts_like_scalars(key, first, parts):
    array = np.array(parts, np.uint64)
    folded = fold(fold(key, array), array)
    assert folded.tolist() == [fold(fold(key, part), part) for part in parts]
    assert fold(fold(key, array), first).tolist() == [
        fold(fold(key, part), first) for part in parts
    ]


@given(WORDS, st.lists(WORDS, max_size=5))
def test_uniform_is_the_chain_of_folds_that_it_writes_out(key, parts):
    folded = key
    for part in parts:
        folded = fold(folded, part)
    assert uniform(key, *parts) == unit(folded)


def test_folding_a_row_of_parts_is_splitmix64():
    """The first outputs of the published generator, seeded with 0."""
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [fold(0, part) for part in range(3)] == published


def test_known_draws_never_change():
    """A change here would change every published run."""
    keys = purpose_keys((1, 2, 3, 4))
    purposes = (Purpose.TURNOVER, Purpose.VALUE, Purpose.REVIEW, Purpose.BUSINESS)
    assert [uniform(keys[purpose], 5, 6) for purpose in purposes] == [
        0.7118445097163079,
        0.2988259530530558,
        0.89871076015646,
        0.2962083363858926,
    ]


def test_names_stand_for_parts_that_never_change():
    digest = "0d2a4d0e13a3e16b"
    assert name_key("persistence") == int.from_bytes(bytes.fromhex(digest), "little")


# --- uniform --------------------------------------------------------------------------


@given(WORDS)
def test_draws_lie_strictly_between_0_and_1(word):
    assert 0.0 < unit(word) < 1.0


def test_the_ends_are_not_reached():
    assert unit(0) == 2.0**-53
    assert unit(MASK) == 1.0 - 2.0**-53


@pytest.mark.parametrize("key", [0, 1, MASK, group_seed(1, Stream.PEOPLE)])
def test_consecutive_keys_give_uniform_draws(key):
    draws = stream_of_draws(key)
    counts = np.bincount((draws * 100).astype(int), minlength=100)
    assert stats.chisquare(counts).pvalue > RARE
    assert stats.kstest(draws, "uniform").pvalue > RARE


def test_keys_in_a_grid_give_uniform_draws():
    """Ideas are keyed by week and post, which are both small numbers in a row."""
    keys = purpose_keys((1, 1, 1, 1))
    key = keys[Purpose.VOICE]
    draws = [uniform(key, week << 32 | post) for week in range(1, 200) for post in range(200)]
    counts = np.bincount((np.array(draws) * 64).astype(int), minlength=64)
    assert stats.chisquare(counts).pvalue > RARE


def test_the_last_bits_are_uniform_too():
    words = fold(11, np.arange(DRAWS, dtype=np.uint64))
    for shift in (0, 8, 12, 56):
        counts = np.bincount(((words >> shift) & 255).astype(int), minlength=256)
        assert stats.chisquare(counts).pvalue > RARE


# --- avalanche and independence -------------------------------------------------------


@pytest.mark.parametrize("what", ["part", "key"])
def test_each_bit_of_the_input_moves_half_of_the_bits_of_the_output(what):
    inputs = fold(3, np.arange(4_000, dtype=np.uint64))
    before = fold(5, inputs) if what == "part" else fold(inputs, 5)
    for bit in range(64):
        moved = inputs ^ np.uint64(1 << bit)
        after = fold(5, moved) if what == "part" else fold(moved, 5)
        flipped = np.array([int(word).bit_count() for word in before ^ after])
        assert abs(flipped.mean() - 32.0) < 6 * 4.0 / math.sqrt(len(inputs))
        assert flipped.min() > 5


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def pairs_of_streams():
    keys = purpose_keys((1, 1, 1, 1))
    other_seed = purpose_keys((2, 2, 2, 2))
    posts = np.arange(DRAWS, dtype=np.uint64)
    voice = keys[Purpose.VOICE]
    yield "week", uniforms(fold(voice, 1), posts), uniforms(fold(voice, 2), posts)
    yield "post", uniforms(voice, posts), uniforms(voice, posts + np.uint64(1))
    yield "purpose", uniforms(voice, posts), uniforms(keys[Purpose.PERMISSION], posts)
    yield "stream", uniforms(voice, posts), uniforms(keys[Purpose.VALUE], posts)
    yield "seed", uniforms(voice, posts), uniforms(other_seed[Purpose.VOICE], posts)
    yield "third part", unit(fold(fold(posts, 7), 0)), unit(fold(fold(posts, 7), 1))
    idea, next_week = uniforms(voice, posts), uniforms(voice, posts + np.uint64(2**32))
    yield "week of an idea", idea, next_week
    yield "swapped parts", unit(fold(fold(voice, 3), posts)), unit(fold(fold(voice, posts), 3))


@pytest.mark.parametrize(
    ("what", "x", "y"), [pytest.param(*p, id=p[0]) for p in pairs_of_streams()]
)
def test_keys_that_differ_by_one_are_independent(what, x, y):
    bound = 5.0 / math.sqrt(DRAWS)
    assert abs(correlation(x, y)) < bound
    assert abs(correlation(np.abs(x - 0.5), np.abs(y - 0.5))) < bound
    table = np.histogram2d(x, y, bins=16, range=((0, 1), (0, 1)))[0]
    assert stats.chisquare(table.ravel()).pvalue > RARE


# --- no collisions --------------------------------------------------------------------


def test_no_purposes_share_a_key():
    seeds = [(a, b, c, d) for a in (0, 1) for b in (0, 1) for c in (1, 2) for d in (2, 3)]
    keys = {
        (purpose, quad[purpose.stream]): key
        for quad in seeds
        for purpose, key in purpose_keys(quad).items()
    }
    assert len(set(keys.values())) == len(keys)


@pytest.mark.slow
def test_no_two_draws_are_the_same():
    """Of some 2 million words of 64 bits, two would be equal by chance once in 10 million tries.

    Purposes, seeds, weeks and posts are what draws are told apart by: small numbers in a row.
    """
    posts = np.arange(200, dtype=np.uint64)
    words = [
        fold(fold(key, week), posts)
        for seed in (1, 2, 3)
        for key in purpose_keys((seed,) * 4).values()
        for week in range(1, 81)
    ]
    assert len(words) * posts.size > 1_900_000
    assert np.unique(np.concatenate(words)).size == len(words) * posts.size


def test_purposes_are_numbered_by_their_stream():
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose)
    assert Counter(purpose.stream for purpose in Purpose).keys() == set(Stream)
    assert all(purpose // 100 == purpose.stream for purpose in Purpose)


@given(SEEDS, SEEDS)
def test_seeds_never_collide(one, other):
    """The seed is scrambled by a bijection, so two seeds differ in every group."""
    for stream in Stream:
        assert (group_seed(one, stream) == group_seed(other, stream)) == (one == other)
    assert len({group_seed(one, stream) for stream in Stream}) == len(Stream)


@given(st.tuples(SEEDS, SEEDS, SEEDS, SEEDS), st.sampled_from(list(Stream)))
def test_each_group_of_draws_follows_its_own_seed(seeds, stream):
    changed = list(seeds)
    changed[stream] = seeds[stream] ^ 1
    before, after = purpose_keys(seeds), purpose_keys(tuple(changed))
    for purpose in Purpose:
        assert (before[purpose] != after[purpose]) == (purpose.stream == stream)


# --- distributions --------------------------------------------------------------------


@given(st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_normal_is_the_standard_librarys(u):
    expected = NormalDist().inv_cdf(u)
    assert math.isclose(normal(u), expected, rel_tol=1e-15, abs_tol=1e-300)


@pytest.mark.parametrize("u", [2.0**-53, 0.075, 0.5, 0.925, 1.0 - 2.0**-52, math.exp(-25.0)])
def test_normal_where_its_pieces_meet(u):
    for near in (math.nextafter(u, 0.0), u, math.nextafter(u, 1.0)):
        assert normal(near) == pytest.approx(NormalDist().inv_cdf(near), rel=1e-15)
        assert normal(near) == pytest.approx(float(stats.norm.ppf(near)), rel=1e-12, abs=1e-15)


def test_normal_draws_are_normal():
    draws = [normal(u) for u in stream_of_draws(count=20_000).tolist()]
    assert stats.kstest(draws, "norm").pvalue > RARE


@given(st.floats(2.0**-53, 0.5), st.floats(2.0**-53, 0.5))
def test_normal_rises_and_is_symmetric(one, other):
    low, high = sorted((one, other))
    assert normal(low) <= normal(high)
    exact = 1.0 - (1.0 - low)  # what is left of a very small number beside 1
    if exact > 0.0:
        assert normal(1.0 - low) == pytest.approx(-normal(exact), rel=1e-12, abs=1e-12)


@given(st.floats(0.0, 500.0), st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_poisson_is_the_quantile_of_scipy(mean, u):
    expected = int(stats.poisson(mean).ppf(u))
    found = poisson(u, mean)
    if found != expected:  # only where u falls on a step, or beyond the last, to within rounding
        low, high = sorted((found, expected))
        assert abs(stats.poisson(mean).cdf(low) - u) < 1e-12
        assert high - low == 1 or u > 1.0 - 1e-12


@pytest.mark.parametrize("mean", [0.0, 0.1, 1.0, 4.5, 30.0, 500.0])
def test_poisson_tables_rise_to_one(mean):
    table = np.array(poisson_table(mean))
    assert (np.diff(table) >= 0.0).all()
    assert table[-1] == pytest.approx(1.0, abs=1e-12)
    assert table == pytest.approx(stats.poisson(mean).cdf(np.arange(table.size)), abs=1e-12)


def test_poisson_of_nothing_is_nothing():
    assert poisson(1.0 - 2.0**-53, 0.0) == 0


def test_poisson_draws_have_their_mean_and_variance():
    draws = np.array([poisson(u, 4.5) for u in stream_of_draws(count=40_000).tolist()])
    assert draws.mean() == pytest.approx(4.5, abs=5 * math.sqrt(4.5 / draws.size))
    assert draws.var() == pytest.approx(4.5, rel=0.05)


@given(st.floats(0.0, 1.0), st.floats(0.1, 1e6))
def test_beta_tables_are_quantiles(mean, concentration):
    table = np.array(beta_quantiles(mean, concentration))
    assert table.size == QUANTILES + 1
    assert np.isfinite(table).all()
    assert (table >= 0.0).all() and (table <= 1.0).all()
    assert (np.diff(table) >= -1e-300).all()


@pytest.mark.parametrize("mean", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("concentration", [0.5, 4.0, 8.0, 1_000.0])
def test_beta_tables_are_those_of_scipy(mean, concentration):
    grid = np.linspace(0.0, 1.0, QUANTILES + 1)
    grid[0], grid[-1] = END, 1.0 - END
    beta = stats.beta(mean * concentration, (1.0 - mean) * concentration)
    assert beta_quantiles(mean, concentration) == pytest.approx(beta.ppf(grid), abs=1e-9)


@pytest.mark.parametrize(("mean", "value"), [(0.0, 0.0), (5e-324, 0.0), (1.0, 1.0)])
def test_beta_at_its_ends_makes_everybody_alike(mean, value):
    assert set(beta_quantiles(mean, 8.0)) == {value}


@pytest.mark.parametrize(
    ("mean", "concentration"),
    [(0.5, 8.0), (0.3, 8.0), (0.2, 4.0), (0.3, 50.0), (0.5, 0.5), (0.5, 1e3), (0.5, 1e6)],
)
def test_interpolated_beta_draws_are_beta(mean, concentration):
    table = beta_quantiles(mean, concentration)
    levels = (np.arange(DRAWS) + 0.5) / DRAWS
    draws = np.array([quantile(table, u) for u in levels.tolist()])
    beta = stats.beta(mean * concentration, (1.0 - mean) * concentration)
    assert stats.kstest(draws, beta.cdf).statistic < 1e-3
    assert draws.mean() == pytest.approx(mean, abs=1e-4)
    assert draws.std() == pytest.approx(beta.std(), rel=1e-3)


@given(st.floats(2.0**-53, 1.0 - 2.0**-53), st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_a_higher_mean_moves_everybody_up(u, mean, more):
    """The coupling is monotone: nobody moves against the change."""
    low, high = beta_quantiles(mean, 8.0), beta_quantiles(mean + more, 8.0)
    assert quantile(low, u) <= quantile(high, u)
