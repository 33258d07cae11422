//! Marks and values: there is one mark for each value, in order, on every database.

use estoult::{Decimal, Dialect, Predicate, Schema, query::Order};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest},
};

use super::{
    DIALECTS,
    schemas::{Book, Mood, Odd},
};
use crate::support::property;

fn leaf() -> impl Strategy<Value = Predicate<Book>> {
    let number = || any::<i64>();
    // PostgreSQL stores no NUL; that is refused before anything is written.
    let word = || "[^\\x00]{0,8}";
    prop_oneof![
        number().prop_map(|id| Book::id.eq(id)),
        (number(), number()).prop_map(|(low, high)| Book::author_id.between(low, high)),
        vec(number(), 0..40).prop_map(|ids| Book::id.in_list(ids)),
        vec(option::of(word()), 0..6).prop_map(|texts| Book::subtitle.in_list(texts)),
        vec(number(), 1020..1030).prop_map(|ids| Book::id.not_in_list(ids)),
        word().prop_map(|text| Book::title.eq(text)),
        word().prop_map(|text| Book::title.like(text)),
        word().prop_map(|text| Book::subtitle.ilike(text)),
        option::of(word()).prop_map(|text| Book::subtitle.ne(text)),
        number().prop_map(|cents| Book::price.lt(Decimal::new(cents, 2))),
        Just(Book::mood.in_list([Mood::Sad, Mood::Happy])),
        Just(Book::mood.eq(Mood::Sad)),
        Just(Book::cover.in_list([vec![0], vec![255]])),
        Just(Book::published.is_true()),
        Just(Book::id.le(Book::author_id)),
    ]
}

fn tree() -> impl Strategy<Value = Predicate<Book>> {
    leaf().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one.and(other)),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one.or(other)),
            inner.clone().prop_map(|one| one.not()),
            vec(inner.clone(), 0..4).prop_map(Predicate::all),
            vec(inner, 0..4).prop_map(Predicate::any),
        ]
    })
}

fn order() -> impl Strategy<Value = Order<Book>> {
    prop_oneof![
        Just(Book::subtitle.asc().nulls_first()),
        Just(Book::price.desc().nulls_last()),
        Just(Book::id.sum().asc()),
    ]
}

proptest! {
    #![proptest_config(property())]

    #[test]
    fn every_value_has_its_mark(
        filters in vec(tree(), 0..3),
        having in option::of(tree()),
        order in option::of(order()),
        limit in option::of(any::<u64>()),
        offset in option::of(any::<u64>()),
    ) {
        let mut query = Book::query();
        for filter in filters {
            query = query.filter(filter);
        }
        query = query.filter_some(limit, |_| Book::id.gt(0));
        if let Some(having) = having {
            query = query.group_by(Book::id).having(having);
        }
        if let Some(order) = order {
            query = query.order_by(order);
        }
        if let Some(limit) = limit {
            query = query.limit(limit);
        }
        if let Some(offset) = offset {
            query = query.offset(offset);
        }
        for dialect in DIALECTS {
            let sql = query.to_sql(dialect).unwrap();
            let expected: Vec<usize> = (1..=sql.values().len()).collect();
            prop_assert_eq!(marks(sql.text(), dialect), expected, "{}", sql);
        }
    }
}

#[test]
fn a_mark_inside_of_a_name_is_none() {
    let query = Odd::query()
        .filter(Odd::mark.eq(1))
        .filter(Odd::number.eq(2));
    for dialect in DIALECTS {
        let sql = query.to_sql(dialect).unwrap();
        assert_eq!(marks(sql.text(), dialect), [1, 2], "{sql}");
    }
}

/// The numbers of the marks outside of quotes; marks without a number are counted.
fn marks(text: &str, dialect: Dialect) -> Vec<usize> {
    let mut marks = Vec::new();
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '?') => marks.push(marks.len() + 1),
            (None, '$') if dialect == Dialect::Postgres => {
                let mut number = String::new();
                while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                marks.push(number.parse().unwrap());
            }
            (None, _) => {}
        }
    }
    marks
}
