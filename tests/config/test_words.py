"""Messages, printed documents and public forms: what they name must be there, and nothing else can be reached."""

from __future__ import annotations

import pytest

from tests.config.conftest import found, workspace

LEAD = """
kind: entity
name: lead
traits: [owned, stages]
fields:
  name: {type: text, required: true}
  budget: {type: money}
  secret: {type: text, sensitive: true}
  company: {type: reference, entity: company, on_delete: clear}
  lines: {type: table, fields: {qty: {type: integer}, what: {type: text}}}
"""
FILES = {
    "schemas/lead.yaml": LEAD,
    "schemas/company.yaml": "kind: entity\nname: company\nfields: {name: {type: text}}\n",
    "workflows/stages.yaml": "kind: pipeline\nname: s\nentity: lead\nstages: {open: , won: {outcome: won}}\n",
}


def findings(path: str, text: str) -> list[str]:
    """Return the findings about one file among sound ones, but for those of the edition and that nothing uses it."""
    apart = ("not_carried_out", " unused ")
    return [one for one in found(workspace({**FILES, path: text})) if not any(word in one for word in apart)]


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('"{name} {owner.name} {company.name} {budget}"', None),
        ('"{nme}"', "4:9 unknown_field text"),
        ('{en: fine, zh: "{company.nam}"}', "4:32 unknown_field text.zh"),
        ('"{owner.password_hash}"', "4:15 unknown_field text"),
        ('"{owner.id}"', "4:15 unknown_field text"),
        ('"{lines.qty}"', "4:15 unknown_field text"),
        ('"{name.__class__}"', "4:14 unknown_field text"),
        ('"{budget:>2000000000}"', "4:9 bad_value text"),
        ('"{name!r}"', "4:9 bad_value text"),
        ('"{name[0]}"', "4:9 unknown_field text"),
        ('"{0}"', "4:9 unknown_field text"),
        ('"{"', "4:7 bad_value text"),
    ],
)
def test_a_message_names_fields_of_its_record_and_nothing_else(text, finding):
    given = findings("forms/m.yaml", f"kind: message\nname: m\nentity: lead\ntext: {text}\n")
    assert given == ([] if finding is None else [finding])


def test_every_way_of_sending_is_checked():
    text = "kind: message\nname: m\nentity: lead\ntext: a\nemail: {title: '{x}'}\nwebhook: {text: '{y}'}\n"
    assert findings("forms/m.yaml", text) == [
        "5:18 unknown_field email.title",
        "6:19 unknown_field webhook.text",
    ]


@pytest.mark.parametrize(
    ("step", "finding"),
    [
        ("message: m", None),
        ("message: mm", "5:37 unknown_message do[0].notify.message"),
        ("message: m, text: x", "5:28 contradiction do[0].notify.message"),
        ("by: [inbox]", "5:5 missing_key do[0].notify.text"),
    ],
)
def test_a_step_names_a_message_or_says_its_words(step, finding):
    rule = f"kind: automation\nname: a\nentity: lead\non: {{created: true}}\ndo: [{{notify: {{to: user, {step}}}}}]\n"
    message = "kind: message\nname: m\nentity: lead\ntext: a\n"
    loaded = workspace({**FILES, "forms/m.yaml": message, "workflows/a.yaml": rule})
    given = [one for one in found(loaded) if "missing_value" not in one and " unused " not in one]
    assert [one.split()[1:] for one in given] == ([] if finding is None else [finding.split()[1:]])


def test_a_message_about_another_record_does_not_fit():
    rule = "kind: automation\nname: a\nentity: company\non: {created: true}\ndo: [{notify: {to: user, message: m}}]\n"
    loaded = workspace(
        {**FILES, "forms/m.yaml": "kind: message\nname: m\nentity: lead\ntext: a\n", "workflows/a.yaml": rule}
    )
    assert found(loaded) == ["5:35 contradiction do[0].notify.message"]


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("{{ record.name }} {{ record.company.name }}", None),
        ("{% for l in record.lines %}{{ l.qty * 2 }}{{ record.name }}{% endfor %}", None),
        ("{% if record.budget > 1.0 %}a{% elif record.stage == 'won' %}b{% else %}c{% endif %}", None),
        ("{# a note with {{ nonsense }} #}", None),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "5:30 name_not_allowed"),
        ("{{ record.owner.password_hash }}", "5:6 unknown_field"),
        ("{{ record.metadata.tables }}", "5:6 unknown_field"),
        ("{{ record.registry.dispose() }}", "5:22 name_not_allowed"),
        ("{% for i in range(99999) %}x{% endfor %}", "5:15 name_not_allowed"),
        ("{% for i in record.name %}x{% endfor %}", "5:15 type_mismatch"),
        (
            "{% for a in record.lines %}{% for b in record.lines %}{% endfor %}{% endfor %}",
            "5:30 template_syntax",
        ),
        ("{% for l in record.lines %}{% endfor %}{{ l.qty }}", "5:45 name_not_allowed"),
        ("{% for l in record.lines %}{{ l.wat }}{% endfor %}", "5:33 unknown_field"),
        ("{% for user in record.lines %}{% endfor %}", "5:10 reserved_name"),
        ("{% if record.budget %}x{% endif %}", "5:9 type_mismatch"),
        ("{% if true %}x", "5:3 template_syntax"),
        ("x{% endif %}", "5:4 template_syntax"),
        ("{% if true %}{% endfor %}{% endif %}", "5:16 template_syntax"),
        ("{% include 'other' %}", "5:3 template_syntax"),
        ("{{ record.name", "5:3 template_syntax"),
        ("{{ record.stage == 'wun' }}", "5:22 unknown_option"),
    ],
)
def test_a_printed_document_holds_expressions_and_nothing_else(body, finding):
    """Classes A-T01 to A-T04: nothing of the machine can be named, and nothing runs without end."""
    given = findings("forms/d.yaml", f"kind: document\nname: d\nentity: lead\nbody: |\n  {body}\n")
    assert [one.removesuffix(" body") for one in given][:1] == ([] if finding is None else [finding])


def test_a_rename_reaches_into_templates_and_messages():
    body = "kind: document\nname: d\nentity: lead\nbody: |\n  <b>{{ record.budget }}</b> {% if record.budget > 1.0 %}{% endif %}\n"
    message = 'kind: message\nname: m\nentity: lead\ntext: "{budget} of {company.name}"\n'
    loaded = workspace({**FILES, "forms/d.yaml": body, "forms/m.yaml": message})
    at = {
        (one.file, text[one.start : one.end])
        for one in loaded.mentions
        for text in (str(loaded_text(loaded, one.file, one.keys)),)
        if one.target == ("entity", "lead", "fields", "budget") and one.file.startswith("forms/")
    }
    assert at == {("forms/d.yaml", "budget"), ("forms/m.yaml", "budget")}


def loaded_text(loaded, file, keys):
    document = next(one for found in loaded.documents.values() for one in found.values() if one.path == file)
    return document.node(*keys).value


# ---------------------------------------------------------------- public forms


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("fields: [name, budget]", None),
        ("fields: [budget]\nwith: {name: unknown}", None),
        ("fields: [budget]", "4:9 missing_value fields"),
        ("fields: [name, owner]", "4:16 not_public fields[1]"),
        ("fields: [name, company]", "4:16 not_public fields[1]"),
        ("fields: [name, secret]", "4:16 not_public fields[1]"),
        ("fields: [name, created_at]", "4:16 readonly_field fields[1]"),
        ("fields: [name, nme]", "4:16 unknown_field fields[1]"),
        (
            "sections: [{fields: [name], visible_when: \"user == 'x'\"}]",
            "4:44 name_not_allowed sections[0].visible_when",
        ),
        ("fields: [name]\nwith: {owner: user}", "5:15 name_not_allowed with.owner"),
        ("fields: [name]\nabout: company", "5:1 contradiction about"),
        ("fields: [name]\nlink: {expires: soon}", "5:17 bad_duration link.expires"),
    ],
)
def test_a_public_form_asks_what_people_outside_may_know(lines, finding):
    given = findings("forms/p.yaml", f"kind: public_form\nname: p\nentity: lead\n{lines}\n")
    assert given == ([] if finding is None else [finding])


# ---------------------------------------------------------------- quotas

REPORT = "kind: report\nname: won\nentity: lead\ntype: leaderboard\ndimensions: [owner]\nmeasures: [{sum: budget}]\n"


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("report: won\nby: user\nper: month\ndefault: 10", None),
        ("report: won\nby: user\nper: month\ntargets: [{for: rui, period: 2026-07, value: 5}]", None),
        ("report: wn\nby: user\nper: month\ndefault: 1", "3:9 unknown_report report"),
        ("report: won\nby: team\nper: month\ndefault: 1", "4:5 unknown_dimension by"),
        ("report: won\nmeasure: x\nby: user\nper: month\ndefault: 1", "4:10 unknown_measure measure"),
        ("report: won\nby: user\nper: quarter\ntargets: [{for: a, period: 2026-07, value: 5}]", "6:28 contradiction targets[0].period"),
        ("report: won\nby: user\nper: year\ntargets: [{for: a, value: 5}, {for: a, value: 6}]", "6:31 duplicate_value targets[1]"),
        ("report: won\nby: user\nper: year", "1:1 missing_key targets"),
    ],
)  # fmt: skip
def test_a_quota_fits_its_report(lines, finding):
    loaded = workspace(
        {**FILES, "admin/report.yaml": REPORT, "admin/q.yaml": f"kind: quota\nname: q\n{lines}\n"}
    )
    given = [one for one in found(loaded) if "not_carried_out" not in one]
    assert given == ([] if finding is None else [finding])
