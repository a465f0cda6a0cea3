"""A head that is done is there again, whole; one that is damaged, or of something else, is not."""

from __future__ import annotations

from pathlib import Path

from tests.unit.training.trained import head_of, rows, trained
from training.checkpoints import Checkpoints


def test_what_was_saved_is_loaded_until_it_is_cleared(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "home", "aa")
    assert kept.load("click") is None
    click, hide = head_of(trained(rows(300), trees=2)), head_of(None, "hide")
    kept.save(click)
    kept.save(hide)
    again = Checkpoints(tmp_path, "home", "aa")
    assert (again.load("click"), again.load("hide"), again.load("like")) == (click, hide, None)
    again.clear()
    assert not list(tmp_path.iterdir())
    again.clear()


def test_another_digest_s_are_not_loaded_and_go(tmp_path: Path) -> None:
    old, new = Checkpoints(tmp_path, "home", "aa"), Checkpoints(tmp_path, "home", "bb")
    of_another_name = Checkpoints(tmp_path, "other", "aa")
    old.save(head_of(None, "hide"))
    of_another_name.save(head_of(None, "hide"))
    assert new.load("hide") is None
    new.save(head_of(None, "like"))
    assert old.load("hide") is None
    new.clear()
    assert of_another_name.load("hide") is not None


def test_a_damaged_one_is_not_done(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, "home", "aa")
    kept.save(head_of(None, "hide"))
    (file,) = tmp_path.rglob("hide.json")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"-3.0", b"-4.0"))
    assert kept.load("hide") is None
    for cut in (b"", whole[: len(whole) // 2]):
        file.write_bytes(cut)
        assert kept.load("hide") is None
