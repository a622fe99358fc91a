import pytest
from pydantic import ValidationError

from headrace.config.declared import declared_fields, protection_rule
from headrace.config.pipeline import Pipeline

FIELDS = {"name": "shop", "problem": "binary", "target": "left", "id": "order"}
SOURCE = {"engine": "mysql", "secret": "shop/reader", "table": "orders"}
PERSONAL = {"email": "drop", "customer": "hash"}


def pipeline(personal=PERSONAL, fields=(), **privacy):
    return Pipeline.model_validate({**FIELDS, **dict(fields), "privacy": {"personal": personal, **privacy}})


def test_personal_columns_are_seen_by_no_model():
    declared = pipeline(fields={"ignore": ["note"]})

    assert declared.unseen == ("note", "email", "customer")
    assert declared_fields(declared).ignore == declared.unseen


def test_a_personal_id_stays_the_id():
    declared = pipeline({"order": "hash"})

    assert declared.unseen == ()
    assert declared_fields(declared).id == "order"


def test_a_personal_id_may_come_from_a_database_that_is_read_by_another_column():
    declared = pipeline({"order": "hash"}, {"database": {**SOURCE, "watermark": "updated_at"}})

    assert declared.privacy.hashed == ("order",)


@pytest.mark.parametrize(
    ("personal", "fields", "told"),
    [
        ({"left": "hash"}, {}, "'left' is the target, which needs the values as they are"),
        ({"at": "hash"}, {"time": "at"}, "'at' is the time column"),
        ({"age": "hash"}, {"columns": {"age": "number"}}, "'age' is declared in `columns`"),
        ({"age": "drop"}, {"contract": {"columns": {"age": {"min": 0}}}}, "'age' is in `contract.columns`"),
        (
            {"age": "hash"},
            {"evaluation": {"fairness": {"columns": ["age"]}}},
            "compared by `evaluation.fairness`",
        ),
        ({"order": "hash"}, {"database": SOURCE}, "'order' is what the database is read in the order of"),
        ({"at": "hash"}, {"database": {**SOURCE, "watermark": "at"}}, "'at' is what the database is read"),
        ({"order": "drop"}, {}, "'order' is the id, which tells rows apart: use hash"),
        ({"order": "encrypt"}, {}, "'order' is the id, which tells rows apart: use hash"),
        ({"age": "encrypt"}, {"large_data": {}}, "'age' cannot be encrypted beside `large_data`"),
        ({"firm": "drop"}, {"split": {"by": "group", "group": "firm"}}, "'firm' is split.group"),
        (
            {"age": "hash"},
            {"features": {"steps": [{"step": "bins", "columns": ["age"]}]}},
            "'age' is a feature of bins",
        ),
    ],
)
def test_a_column_that_is_needed_as_it_is_cannot_be_personal(personal, fields, told):
    with pytest.raises(ValidationError, match=r"privacy\.personal") as caught:
        pipeline(personal, fields)

    assert told in str(caught.value)


def test_predictions_are_not_deleted_while_labels_wait_for_them():
    with pytest.raises(ValidationError, match="labels wait 90 days for predictions"):
        pipeline(fields={"feedback": {"within_days": 90}}, captured_days=30)
    assert pipeline(fields={"feedback": {"within_days": 90}}, captured_days=90)


def test_what_is_held_does_not_go_with_the_stacks():
    with pytest.raises(ValidationError, match="`on_destroy: delete` would do so with the stacks"):
        pipeline(fields={"on_destroy": "delete"}, legal_hold="lawsuit 12/2026")


def test_a_person_who_is_dropped_could_not_be_found():
    with pytest.raises(ValidationError, match="'email' is the subject, which tells rows apart: use hash"):
        pipeline({"email": "drop"}, subject="email")


def test_a_column_is_personal_or_not():
    with pytest.raises(ValidationError, match="'email' is declared to be personal"):
        pipeline(not_personal=["email"])


def test_a_pipeline_that_says_nothing_protects_nothing():
    assert protection_rule(Pipeline.model_validate(FIELDS)) is None


def test_nobody_is_erased_from_a_pipeline_that_names_no_subject():
    assert protection_rule(pipeline(), ["hmac-1"]).erased == ()
    assert protection_rule(pipeline(subject="customer"), ["hmac-1"]).erased == ("hmac-1",)
