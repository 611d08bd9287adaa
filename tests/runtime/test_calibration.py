"""Which build computes a model is measured once, among those that are right, and remembered."""

from __future__ import annotations

import asyncio

import pytest

from samovar.core.engine import Pace, Setting
from samovar.core.errors import Cancelled
from samovar.runtime.trust import Verdict
from tests.runtime.conftest import OpenHouse, told

IK, IK_PLAIN, MAINLINE = Setting("ik", 512, True), Setting("ik", 512, False), Setting("mainline", 512, False)
AGES = 600.0
"""Seconds for calibrating in which every build can be tried, however slow the machine."""


def pace(setting: Setting, speed: float) -> Pace:
    return Pace(setting, 1, 1, speed, speed)


async def test_the_first_build_stays_where_no_other_is_faster(open_house: OpenHouse) -> None:
    house = open_house("echo:fast=ik", settings=(IK, MAINLINE), calibrate=AGES)
    assert (await house.supervisor.info()).setting == IK
    assert house.verdicts[-1] == Verdict(IK, shifts=True, pace=pace(IK, 200))


async def test_a_faster_build_takes_over_and_answers(open_house: OpenHouse) -> None:
    house = open_house("echo:fast=mainline", settings=(IK, MAINLINE), calibrate=AGES)
    assert (await house.supervisor.info()).setting == MAINLINE
    assert house.verdicts[-1] == Verdict(MAINLINE, shifts=True, pace=pace(MAINLINE, 200))
    assert (await told(await house.ask("hello"))).text() == "hello"


async def test_what_was_measured_before_is_not_measured_again(open_house: OpenHouse) -> None:
    known = Verdict(IK, shifts=True, pace=pace(IK, 77))
    house = open_house("echo:fast=mainline", settings=(IK, MAINLINE), verdict=known, calibrate=AGES)
    assert (await house.supervisor.info()).pace == known.pace
    assert house.verdicts == []


async def test_a_way_that_is_trusted_but_was_not_measured_is_measured(open_house: OpenHouse) -> None:
    house = open_house("echo", settings=(IK, MAINLINE), verdict=Verdict(IK), calibrate=AGES)
    assert (await house.supervisor.info()).pace == pace(IK, 100)


async def test_no_other_build_is_tried_without_the_time_for_it(open_house: OpenHouse) -> None:
    house = open_house("echo:fast=mainline", settings=(IK, MAINLINE), calibrate=0.9)
    assert (await house.supervisor.info()).setting == IK


async def test_a_build_that_dies_while_it_is_tried_changes_nothing(open_house: OpenHouse) -> None:
    house = open_house("echo:crash_build=mainline;fast=mainline", settings=(IK, MAINLINE), calibrate=AGES)
    assert (await house.supervisor.info()).setting == IK
    assert house.verdicts[-1].refused == ()


async def test_unloading_ends_a_trial_too(open_house: OpenHouse) -> None:
    house = open_house("echo:load_ms=600;fast=mainline", settings=(IK, MAINLINE), calibrate=AGES)
    starting = asyncio.create_task(house.supervisor.worker())
    while not house.verdicts:
        await asyncio.sleep(0)
    await house.supervisor.close()
    with pytest.raises(Cancelled):
        await starting


def test_a_crash_takes_what_was_measured_with_it() -> None:
    ways = (IK, IK_PLAIN, MAINLINE)
    assert Verdict(IK, pace=pace(IK, 50)).refusing(IK, ways) == Verdict(None, (IK,))
    kept = Verdict(MAINLINE, pace=pace(MAINLINE, 50)).refusing(IK, ways)
    assert kept.pace == pace(MAINLINE, 50)
