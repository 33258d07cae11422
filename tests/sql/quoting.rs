//! Names: whatever they hold, they stay names.

use estoult::{Column, Decimal, Dialect, Query, Schema};
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{DIALECTS, assert_side_by_side, schemas::Odd};

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
    assert_side_by_side!(query);
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
    assert_side_by_side!(query);
}

/// A query that has the column in every place where a name can stand.
fn everywhere(name: &'static str) -> Query<Odd, i64> {
    let column: Column<Odd, i64> = Column::new("", name);
    let text: Column<Odd, String> = Column::new("", name);
    let decimal: Column<Odd, Decimal> = Column::new("", name);
    Odd::query()
        .filter(column.eq(1).or(column.eq(Odd::group)).not())
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

fn quoted(name: &str, dialect: Dialect) -> String {
    let quote = dialect.features().quote.to_string();
    format!("{quote}{}{quote}", name.replace(&quote, &quote.repeat(2)))
}

proptest! {
    /// But for the name, the text is that of a plain name.
    #[test]
    fn a_name_of_any_characters_stays_a_name(name in any::<String>()) {
        let name: &'static str = name.leak();
        for dialect in DIALECTS {
            let text = everywhere(name).to_sql(dialect).unwrap().to_string();
            let plain = everywhere("plain_name").to_sql(dialect).unwrap().to_string();
            let expected = plain.replace(&quoted("plain_name", dialect), &quoted(name, dialect));
            prop_assert_eq!(text, expected);
        }
    }
}
