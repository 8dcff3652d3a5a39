"""What differs between two sets of documents, told by meaning: what has another name is one change (CF-1, CF-51)."""

from __future__ import annotations

from fairlead.compiled.changes import Change, compare
from fairlead.config import renamed as config_renames
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree
from fairlead.work.renames import changes_of


def differences(before: SourceTree, one: Loaded, two: Loaded) -> list[Change]:
    """Return what `two` changes in `one`, which was read from `before`; its parts are compared under new names."""
    if two.workspace is None:
        return []
    if not before.mapping():
        return compare(None, two.workspace)
    renamed = config_renames.detect(one.documents, two.documents)
    # From a later side back to an earlier one, the later one says what it was.
    renamed = renamed or tuple(
        config_renames.Rename(each.new, each.old)
        for each in config_renames.detect(two.documents, one.documents)
    )
    if renamed:
        made = config_renames.under_new_names(before, renamed)
        one = load(made) if made is not None else one
    return [*changes_of(renamed, two), *compare(one.workspace, two.workspace)]
