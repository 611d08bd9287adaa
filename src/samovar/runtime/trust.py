"""Which ways of computing a model are still open, after what was seen of them. Pure values.

A way that killed its process is refused for good; one whose numbers were checked is trusted; how fast it is was
measured where time allowed. The front keeps the verdict per model, build and processor.
"""

from __future__ import annotations

import msgspec

from samovar.core.engine import Pace, Setting


class Verdict(msgspec.Struct, frozen=True):
    """`shifts`: whether the trusted setting shifts positions rightly; None: not known. `pace`: how fast it was seen
    to be."""

    trusted: Setting | None = None
    refused: tuple[Setting, ...] = ()
    shifts: bool | None = None
    pace: Pace | None = None

    def open(self, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
        """What is left of `settings`, fastest first, from the trusted one on where there is one."""
        left = tuple(setting for setting in settings if setting not in self.refused)
        return left[left.index(self.trusted) :] if self.trusted in left else left

    def trusting(self, setting: Setting | None, *, shifts: bool | None = None, pace: Pace | None = None) -> Verdict:
        return Verdict(setting, self.refused, shifts, pace)

    def refusing(self, setting: Setting, settings: tuple[Setting, ...]) -> Verdict:
        """After `setting` ended in a crash: every way that is not safer than it goes too. Safer means flash
        attention off where it was on, rows as they are in the file, else another build."""
        unsafe = tuple(s for s in settings if s == setting or not _is_safer(s, setting))
        kept = Verdict() if self.trusted in unsafe else self
        return msgspec.structs.replace(kept, refused=tuple(dict.fromkeys(self.refused + unsafe)))


def other_loadings(settings: tuple[Setting, ...], failed: Setting) -> tuple[Setting, ...]:
    return tuple(setting for setting in settings if setting.loading != failed.loading)


def _is_safer(setting: Setting, failed: Setting) -> bool:
    if setting.build != failed.build or (failed.repacked and not setting.repacked):
        return True
    return failed.flash and not setting.flash
