"""The schemas declare all columns, and the records agree with them."""

from dataclasses import fields

import pyarrow as pa
import pytest

from drp.core import lake_schemas as schemas
from drp.core.records import DeadLetter, Question


@pytest.mark.parametrize("table", schemas.TABLES)
def test_every_table_has_a_version_and_every_column_a_description(table):
    schema = schemas.TABLES[table]
    assert schema.metadata == {b"drp_table": table.encode(), b"drp_schema_version": b"2"}
    assert all(field.metadata[b"doc"] for field in schema)


@pytest.mark.parametrize("table", schemas.TABLES)
def test_the_first_column_is_the_id(table):
    first = schemas.TABLES[table].field(0)
    assert (first.name, first.type, first.nullable) == (schemas.id_column(table), pa.string(), False)
    assert first.name.endswith("_id")


@pytest.mark.parametrize(("record", "table"), [(Question, "questions"), (DeadLetter, "dead_letters")])
def test_records_that_are_rows_have_the_columns_of_their_table(record, table):
    assert [field.name for field in fields(record)] == schemas.TABLES[table].names


def test_each_table_is_behind_one_pointer():
    assert not set(schemas.CORPUS_TABLES) & set(schemas.RESULTS_TABLES)
