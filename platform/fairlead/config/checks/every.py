"""All checks of the whole, in the order in which they run."""

from __future__ import annotations

from fairlead.config.checks.approvals import somebody_decides
from fairlead.config.checks.automations import (
    rules_in_circles,
    rules_that_call_themselves,
    rules_that_never_start,
)
from fairlead.config.checks.calendars import calendars_reach_far_enough
from fairlead.config.checks.computed import computed_in_circles
from fairlead.config.checks.edition import everything_is_carried_out
from fairlead.config.checks.names import names_alike, renames, reserved_entities
from fairlead.config.checks.references import references_are_read
from fairlead.config.checks.rights import (
    audiences_can_read,
    hidden_in_reports,
    movers_may_move,
    roles_inherit_one_way,
    tiles_show_what_there_is,
)
from fairlead.config.checks.sources import Check
from fairlead.config.checks.stages import (
    required_but_hidden,
    required_not_in_form,
    stages_and_traits,
    stages_reached_and_left,
)
from fairlead.config.checks.templates import templates_extend_one_way
from fairlead.config.checks.words import labels_in_all_languages, limits, nothing_unused

CHECKS: tuple[Check, ...] = (
    computed_in_circles,
    names_alike,
    reserved_entities,
    renames,
    stages_and_traits,
    stages_reached_and_left,
    required_but_hidden,
    required_not_in_form,
    somebody_decides,
    roles_inherit_one_way,
    rules_that_call_themselves,
    rules_in_circles,
    rules_that_never_start,
    tiles_show_what_there_is,
    hidden_in_reports,
    audiences_can_read,
    movers_may_move,
    templates_extend_one_way,
    calendars_reach_far_enough,
    references_are_read,
    everything_is_carried_out,
    labels_in_all_languages,
    nothing_unused,
    limits,
)
