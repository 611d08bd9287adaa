"""What holds for every dialect there is."""

from pathlib import Path

import pytest

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.registry import DIALECTS, shapes
from samovar.api.errors import shape_of
from samovar.api.reading.fieldtable import markdown

DOCS = Path(__file__).parents[2] / "docs" / "apis"

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


@each_dialect
def test_its_page_of_the_documentation_has_its_table_of_fields(dialect: Dialect) -> None:
    page = (DOCS / f"{dialect.name.lower()}.md").read_text(encoding="utf-8")
    assert markdown(dialect.fields, dialect.endpoints) in page
    for convention in dialect.conventions:
        assert f"`{convention.field}`" in page


@each_dialect
def test_its_addresses_get_errors_in_its_shape(dialect: Dialect) -> None:
    for prefix in dialect.prefixes:
        assert shape_of(shapes(), prefix) is dialect.error_shape


@each_dialect
def test_it_names_no_field_twice(dialect: Dialect) -> None:
    names = [
        (field.name, endpoint) for field in dialect.fields for endpoint in field.endpoints or dialect.endpoints
    ]
    assert len(names) == len(set(names))
