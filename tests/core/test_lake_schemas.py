"""The schemas declare all columns, and the records agree with them."""

from dataclasses import fields

import pyarrow as pa
import pytest

from drp.core import lake_schemas
from drp.core.records import DeadLetter, Question


@pytest.mark.parametrize("table", lake_schemas.TABLES)
def test_every_table_has_a_version_and_every_column_a_description(table):
    schema = lake_schemas.TABLES[table]
    assert schema.metadata == {b"drp_table": table.encode(), b"drp_schema_version": b"4"}
    assert all(field.metadata[b"doc"] for field in schema)


@pytest.mark.parametrize("table", lake_schemas.TABLES)
def test_the_first_column_is_the_id(table):
    first = lake_schemas.TABLES[table].field(0)
    assert (first.name, first.type, first.nullable) == (lake_schemas.id_column(table), pa.string(), False)
    assert first.name.endswith("_id")


@pytest.mark.parametrize(("record", "table"), [(Question, "questions"), (DeadLetter, "dead_letters")])
def test_records_that_are_rows_have_the_columns_of_their_table(record, table):
    assert [field.name for field in fields(record)] == lake_schemas.TABLES[table].names


def test_each_table_is_behind_one_pointer():
    assert not set(lake_schemas.CORPUS_TABLES) & set(lake_schemas.RESULTS_TABLES)
