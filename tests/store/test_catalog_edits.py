"""Terms, documents, tags and owners by people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.access.viewer import Viewer
from plugin.errors import BadInput, Conflict, NotFound
from plugin.store import Store


def test_a_term_lives_and_dies(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_viewer(any_admin) as mine:
        made = mine.edits.create_term("Churn", "customers who left", ["attrition"])
        assert mine.catalog.term("ATTRITION").id == mine.catalog.term("churn").id == made.id
        with pytest.raises(Conflict):
            mine.edits.create_term("churn", "again")
        mine.edits.set_property(made.id, "synonyms", ["loss"])
        mine.edits.set_property(made.id, "name", "Customer churn")
        mine.edits.set_property(made.id, "definition", "customers who left in a month")
        assert mine.catalog.term("loss").name == "Customer churn"
        assert mine.catalog.counts() == {"term": 1}
        assert [change.field for change in mine.catalog.activity(made.id)][:2] == ["definition", "name"]
        assert mine.catalog.recent()[0][0].id == made.id
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.delete(made.id)
        with pytest.raises(NotFound):
            mine.catalog.term("loss")
        assert mine.catalog.counts() == {}


def test_what_makes_no_sense_is_refused(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_viewer(any_admin) as mine:
        made = mine.edits.create_document("Handbook", "how we count")
        for field, value in (
            ("planet", "x"),
            ("verified", "yes"),
            ("description", 7),
            ("sensitivity", "very"),
        ):
            with pytest.raises(BadInput):
                mine.edits.set_property(made.id, field, value)
        with pytest.raises(BadInput):
            mine.edits.add_owner(made.id, "nobody@example.org")
        with pytest.raises(BadInput):
            mine.edits.add_tag(made.id, " \u200b ")
        with pytest.raises(BadInput):
            mine.catalog.browse(cursor="not-a-cursor")


def test_a_door_reads_a_resource_once_until_it_writes(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_viewer(any_admin) as mine:
        term = mine.edits.create_term("Margin", "what is left").id
    with any_store.as_viewer(any_admin) as mine:
        first = mine.catalog.resource(term)
        assert mine.catalog.resource(term) is first and mine.catalog.ai_use(term).allowed
        context = mine.catalog._context
        # A context for another reader, as `see_as` makes one, knows nothing of what this one was shown.
        assert context.rows and not replace(context, for_ai=True).rows
        mine.edits.set_property(term, "verified", True)
        mine.edits.set_property(term, "definition", "revenue less cost")
        told = mine.catalog.resource(term)
        assert (told.verified, told.definition) == (True, "revenue less cost")
        mine.edits.delete(term)
        with pytest.raises(NotFound):
            mine.catalog.resource(term)


@pytest.mark.parametrize("name", ["Émile Zola", "Иван Петров", "ÖKONOMIE"])
def test_a_name_is_found_in_any_case_of_any_script(any_store: Store, any_admin: Viewer, name: str) -> None:
    """SQLite's own `lower` knows ASCII alone: whoever was called so owned nothing that could be asked for."""
    with any_store.as_admin(any_admin) as door:
        door.people.add_group(name)
        door.people.add_team(name)
        for taken in (name.lower(), name.upper()):
            with pytest.raises(Conflict):
                door.people.add_group(taken)
            with pytest.raises(Conflict):
                door.people.add_team(taken)
    with any_store.as_viewer(any_admin) as mine:
        made = mine.edits.create_term("Churn", "customers who left").id
        mine.edits.add_owner(made, name.upper())
    with any_store.as_viewer(any_admin) as mine:
        for asked in (name, name.lower(), name.upper()):
            assert [each.id for each in mine.catalog.browse(owner=asked).items] == [made]
            assert [each.resource.id for each in mine.catalog.search("churn", owners=[asked]).hits] == [made]
        mine.edits.remove_owner(made, name.lower())
        assert mine.catalog.browse(owner=name).items == ()
