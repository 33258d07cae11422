//! Names: whatever they hold, they stay names.

use std::cell::Cell;

use estoult::{
    __private::StatementCache,
    Column, Decimal, Dialect, FromRow, Query, Result, Schema,
    row::Row,
    schema::{Changes, ColumnSpec, Model, NewRow, Table, Untenanted},
    value::{Datum, DatumRef, Mismatch},
};
use insta::assert_snapshot;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{DIALECTS, schemas::Odd, side_by_side};
use crate::support::property;

#[test]
fn odd_names_are_quoted_everywhere() {
    let query = Odd::query()
        .filter(Odd::group.in_list([1, 2]))
        .filter(Odd::quoted.like("a%"))
        .filter(Odd::ticked.eq("b"))
        .filter(Odd::mark.eq(3))
        .filter(Odd::number.is_null())
        .filter(Odd::injected.gt(Decimal::ONE))
        .order_by(Odd::size.asc())
        .order_by(Odd::number.desc().nulls_last());
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "select ""from"" `where`; --"."group", "select ""from"" `where`; --"."a ""quoted"" name",
        "select ""from"" `where`; --"."a `ticked` name", "select ""from"" `where`; --"."why?", "select
        ""from"" `where`; --"."$1", "select ""from"" `where`; --"."it's '; drop table books; --", "select
        ""from"" `where`; --"."größe_📏"
        FROM "order by"."select ""from"" `where`; --"
        WHERE ("select ""from"" `where`; --"."group" IN (SELECT value FROM json_each(?))) AND ("select
        ""from"" `where`; --"."a ""quoted"" name" GLOB ?) AND "select ""from"" `where`; --"."a `ticked`
        name" = ? AND "select ""from"" `where`; --"."why?" = ? AND "select ""from"" `where`; --"."$1" IS
        NULL AND ("select ""from"" `where`; --"."it's '; drop table books; --" COLLATE estoult_decimal) > ?
        ORDER BY "select ""from"" `where`; --"."größe_📏" ASC, "select ""from"" `where`; --"."$1" DESC NULLS
        LAST
        [2 values of Int64, text, text, an integer, a decimal number]
    PostgreSQL:
        SELECT "select ""from"" `where`; --"."group", "select ""from"" `where`; --"."a ""quoted"" name",
        "select ""from"" `where`; --"."a `ticked` name", "select ""from"" `where`; --"."why?", "select
        ""from"" `where`; --"."$1", "select ""from"" `where`; --"."it's '; drop table books; --", "select
        ""from"" `where`; --"."größe_📏"
        FROM "order by"."select ""from"" `where`; --"
        WHERE ("select ""from"" `where`; --"."group" = any($1)) AND ("select ""from"" `where`; --"."a
        ""quoted"" name" LIKE $2) AND "select ""from"" `where`; --"."a `ticked` name" = $3 AND "select
        ""from"" `where`; --"."why?" = $4 AND "select ""from"" `where`; --"."$1" IS NULL AND "select
        ""from"" `where`; --"."it's '; drop table books; --" > $5
        ORDER BY "select ""from"" `where`; --"."größe_📏" ASC, "select ""from"" `where`; --"."$1" DESC NULLS
        LAST
        [2 values of Int64, text, text, an integer, a decimal number]
    MySQL, MariaDB:
        SELECT `select "from" ``where``; --`.`group`, `select "from" ``where``; --`.`a "quoted" name`,
        `select "from" ``where``; --`.`a ``ticked`` name`, `select "from" ``where``; --`.`why?`, `select
        "from" ``where``; --`.`$1`, `select "from" ``where``; --`.`it's '; drop table books; --`, `select
        "from" ``where``; --`.`größe_📏`
        FROM `order by`.`select "from" ``where``; --`
        WHERE `select "from" ``where``; --`.`group` IN (?, ?) AND (`select "from" ``where``; --`.`a "quoted"
        name` LIKE ? COLLATE utf8mb4_bin) AND `select "from" ``where``; --`.`a ``ticked`` name` = ? AND
        `select "from" ``where``; --`.`why?` = ? AND `select "from" ``where``; --`.`$1` IS NULL AND `select
        "from" ``where``; --`.`it's '; drop table books; --` > ?
        ORDER BY `select "from" ``where``; --`.`größe_📏` ASC, `select "from" ``where``; --`.`$1` IS NULL
        ASC, `select "from" ``where``; --`.`$1` DESC
        [an integer, an integer, text, text, an integer, a decimal number]
    "#);
}

#[test]
fn odd_names_are_quoted_in_groups_and_functions() {
    let query = Odd::query()
        .group_by(Odd::mark)
        .having(Odd::injected.max().gt(Some(Decimal::ONE)))
        .select((
            Odd::mark,
            Odd::number.sum(),
            Odd::injected.sum(),
            Odd::quoted.ilike("x"),
        ));
    assert_snapshot!(side_by_side(&query), @r#"
    SQLite:
        SELECT "select ""from"" `where`; --"."why?", SUM("select ""from"" `where`; --"."$1"),
        estoult_sum("select ""from"" `where`; --"."it's '; drop table books; --"), "select ""from"" `where`;
        --"."a ""quoted"" name" LIKE ? ESCAPE '\'
        FROM "order by"."select ""from"" `where`; --"
        GROUP BY "select ""from"" `where`; --"."why?"
        HAVING (MAX("select ""from"" `where`; --"."it's '; drop table books; --" COLLATE estoult_decimal)
        COLLATE estoult_decimal) > ?
        [text, a decimal number]
    PostgreSQL:
        SELECT "select ""from"" `where`; --"."why?", SUM("select ""from"" `where`; --"."$1"), SUM("select
        ""from"" `where`; --"."it's '; drop table books; --"), "select ""from"" `where`; --"."a ""quoted""
        name" ILIKE $1
        FROM "order by"."select ""from"" `where`; --"
        GROUP BY "select ""from"" `where`; --"."why?"
        HAVING MAX("select ""from"" `where`; --"."it's '; drop table books; --") > $2
        [text, a decimal number]
    MySQL, MariaDB:
        SELECT `select "from" ``where``; --`.`why?`, SUM(`select "from" ``where``; --`.`$1`), SUM(`select
        "from" ``where``; --`.`it's '; drop table books; --`), lower(`select "from" ``where``; --`.`a
        "quoted" name`) LIKE lower(?)
        FROM `order by`.`select "from" ``where``; --`
        GROUP BY `select "from" ``where``; --`.`why?`
        HAVING MAX(`select "from" ``where``; --`.`it's '; drop table books; --`) > ?
        [text, a decimal number]
    "#);
}

thread_local! {
    /// The table of [`Named`] on this thread.
    static TABLE: Cell<Option<&'static Table>> = const { Cell::new(None) };
}

/// A row whose table and column have whatever name the test gives them.
struct Named;

impl Named {
    /// Gives the table a column of this name, and queries it with the column in every place where a name can be.
    fn everywhere(name: &'static str) -> Query<Self, i64> {
        let table = Table::new(name).column(ColumnSpec::of::<i64>(name, name).key());
        TABLE.set(Some(Box::leak(Box::new(table))));
        let column: Column<Self, i64> = Column::new("", name);
        let text: Column<Self, String> = Column::new("", name);
        let decimal: Column<Self, Decimal> = Column::new("", name);
        Self::query()
            .filter(column.eq(1).or(column.eq(column)).not())
            .filter(column.in_list([1, 2, 3]))
            .filter(column.is_null())
            .filter(text.like("?%").and(text.ilike("$1%")))
            .filter(decimal.gt(Decimal::ONE))
            .group_by(column)
            .having(column.sum().gt(Some(7)).and(decimal.sum().gt(None)))
            .order_by(column.asc().nulls_first())
            .order_by(decimal.desc())
            .select(column)
    }
}

impl FromRow for Named {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        Ok(Self)
    }
}

impl NewRow for Named {
    type Schema = Self;

    fn changes(self, _: &mut Changes) {}
}

impl Model for Named {
    type New = Self;
    type Key = i64;
    type Tenant = Untenanted;

    fn table_spec() -> &'static Table {
        TABLE.get().expect("a table")
    }

    fn primary_key(&self) -> i64 {
        0
    }

    fn datum(&self, _: &str) -> Option<Datum> {
        None
    }

    fn assign(&mut self, _: &str, _: DatumRef<'_>) -> Option<std::result::Result<(), Mismatch>> {
        None
    }

    fn statement_cache() -> &'static StatementCache {
        static CACHE: StatementCache = StatementCache::new();
        &CACHE
    }
}

fn quoted(name: &str, dialect: Dialect) -> String {
    let quote = dialect.features().quote().to_string();
    format!("{quote}{}{quote}", name.replace(&quote, &quote.repeat(2)))
}

proptest! {
    #![proptest_config(property())]

    /// But for the name, the text is that of a plain name.
    #[test]
    fn a_name_of_any_characters_stays_a_name(name in any::<String>()) {
        let name: &'static str = name.leak();
        for dialect in DIALECTS {
            let text = Named::everywhere(name).to_sql(dialect).unwrap().to_string();
            let plain = Named::everywhere("plain_name").to_sql(dialect).unwrap().to_string();
            let expected = plain.replace(&quoted("plain_name", dialect), &quoted(name, dialect));
            prop_assert_eq!(text, expected);
        }
    }
}
