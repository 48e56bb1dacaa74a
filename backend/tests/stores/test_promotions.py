from __future__ import annotations

from datetime import UTC, datetime

from stock_mlops.stores.promotions import Action, AuditEntry, former_champion

ACCEPT, PROMOTE, ROLLBACK, REFUSE = Action.ACCEPT, Action.PROMOTE, Action.ROLLBACK, Action.REFUSE


def trail(*changes: tuple[Action, int | None, int | None]) -> list[AuditEntry]:
    return [
        AuditEntry(
            number, datetime(2026, 1, 1, tzinfo=UTC), "me", action, "stock-US-AAPL", before, after, "", None, None
        )
        for number, (action, before, after) in enumerate(changes)
    ]


THREE = ((ACCEPT, None, 1), (ACCEPT, 1, 2), (PROMOTE, 2, 3))


def test_a_first_champion_has_no_predecessor() -> None:
    assert former_champion(trail((ACCEPT, None, 1)), alive=[]) is None


def test_a_rollback_goes_to_the_version_before() -> None:
    assert former_champion(trail(*THREE), alive=[1, 2]) == 2


def test_rolled_back_again_it_goes_further_back_and_not_forth() -> None:
    assert former_champion(trail(*THREE, (ROLLBACK, 3, 2)), alive=[1, 3]) == 1
    assert former_champion(trail(*THREE, (ROLLBACK, 3, 2), (ROLLBACK, 2, 1)), alive=[2, 3]) is None


def test_what_was_promoted_after_a_rollback_goes_back_to_what_it_replaced() -> None:
    assert former_champion(trail(*THREE, (ROLLBACK, 3, 2), (PROMOTE, 2, 4)), alive=[1, 2, 3]) == 2


def test_deleted_versions_are_passed_over() -> None:
    assert former_champion(trail(*THREE), alive=[1]) == 1
    assert former_champion(trail(*THREE, (ROLLBACK, 3, 1)), alive=[3]) is None


def test_refused_versions_were_never_champions() -> None:
    assert former_champion(trail((ACCEPT, None, 1), (ACCEPT, 1, 2), (REFUSE, 2, 3)), alive=[1, 3]) == 1
