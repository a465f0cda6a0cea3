"""The schema: what compute and the packed rows rely on."""

from __future__ import annotations

import math

from features.schema import FEATURES, HALF_LIVES_S, SUM_EVENTS, VIEWS, sum_name


def test_inputs_are_named_once_by_view_and_field() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    assert {name.split(".")[0] for name in FEATURES} <= {*VIEWS, "c"}
    assert not {f"{view.name}.{field.name}" for view in VIEWS.values() for field in view.fields} & {*FEATURES}


def test_every_view_has_every_sum_in_every_half_life() -> None:
    expected = {sum_name(event, label) for label in HALF_LIVES_S for event in SUM_EVENTS}
    for view in VIEWS.values():
        assert {field.name for field in view.fields if field.kind == "sum"} == expected


def test_views_have_schema_ids_of_their_own_and_unique_fields() -> None:
    ids = [view.schema_id for view in VIEWS.values()]
    assert len(set(ids)) == len(ids)
    for view in VIEWS.values():
        names = [field.name for field in view.fields]
        assert len(set(names)) == len(names)
        assert [view.index(name) for name in names] == list(range(view.width))


def test_a_sum_begins_at_zero_and_a_moment_unknown() -> None:
    fields = {field.name: field for field in VIEWS["va"].fields}
    assert fields["click_2d"].default == 0.0
    assert math.isnan(fields["last_seen"].default)


def test_the_longest_half_life_still_decays_in_float32_every_second() -> None:
    """Half a unit in the last place is at most 2**-24 of a float32."""
    assert 1.0 - 2.0 ** (-1.0 / max(HALF_LIVES_S.values())) > 2.0**-24
