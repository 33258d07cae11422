//! Changesets: what is taken from untrusted input, and the rules that need no database.

mod constraint;
mod validation;

use std::collections::{BTreeMap, HashMap};

use estoult::{Changeset, Decimal, Schema, Value};
use serde_json::json;

use crate::support::{create_table, on_every_backend};

#[derive(Debug, Clone, Copy, PartialEq, Value)]
enum Size {
    Small,
    Large,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "products")]
struct Product {
    id: i64,
    name: String,
    note: Option<String>,
    count: Option<i16>,
    price: Decimal,
    weight: Option<f64>,
    is_sold: bool,
    day: Option<chrono::NaiveDate>,
    mark: Option<uuid::Uuid>,
    size: Option<Size>,
}

const FIELDS: [&str; 9] = [
    "name", "note", "count", "price", "weight", "is_sold", "day", "mark", "size",
];

fn columns() -> [estoult::schema::ColumnName; 9] {
    [
        Product::name.name(),
        Product::note.name(),
        Product::count.name(),
        Product::price.name(),
        Product::weight.name(),
        Product::is_sold.name(),
        Product::day.name(),
        Product::mark.name(),
        Product::size.name(),
    ]
}

/// Field, code and text of each error, a line each.
fn told(changeset: &Changeset<Product>) -> String {
    let lines = changeset.errors().iter().map(|error| {
        let (field, code) = (error.field(), error.code());
        let parameters = error.parameters().iter();
        let parameters: Vec<_> = parameters
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!(
            "{field}: {code}: {}{}",
            error.message(),
            parameters.concat()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

const TEXTS: [(&str, &str); 9] = [
    ("name", " Lamp "),
    ("note", "  "),
    ("count", " 12 "),
    ("price", "19.90"),
    ("weight", "0.25"),
    ("is_sold", "on"),
    ("day", "2026-02-28"),
    ("mark", "00000000-0000-0000-0000-000000000005"),
    ("size", "large"),
];

on_every_backend!(texts_are_read_as_the_columns_types, async |db| {
    create_table::<Product>(db).await?;
    let mut stored = Vec::new();
    let hash: HashMap<&str, &str> = TEXTS.into();
    let tree: BTreeMap<String, String> = TEXTS
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let changesets = [
        Product::changeset().cast(&hash, columns()),
        Product::changeset().cast(&tree, columns()),
        Product::changeset().cast(&TEXTS, columns()),
        Product::changeset().cast(&TEXTS.to_vec(), columns()),
    ];
    for changeset in changesets {
        assert_eq!(told(&changeset), "");
        let product = changeset.insert(db).await?;
        stored.push(Product { id: 0, ..product });
    }
    let expected = Product {
        id: 0,
        name: " Lamp ".to_owned(),
        note: None,
        count: Some(12),
        price: Decimal::new(1990, 2),
        weight: Some(0.25),
        is_sold: true,
        day: chrono::NaiveDate::from_ymd_opt(2026, 2, 28),
        mark: Some(uuid::Uuid::from_u128(5)),
        size: Some(Size::Large),
    };
    assert!(
        stored.iter().all(|product| *product == expected),
        "{stored:?}"
    );
    Ok(())
});

on_every_backend!(json_is_read_as_the_columns_types, async |db| {
    create_table::<Product>(db).await?;
    let input = json!({
        "name": "Lamp",
        "note": null,
        "count": 12,
        "price": 19.9,
        "weight": 2,
        "is_sold": false,
        "day": "2026-02-28",
        "size": "small",
        "id": 900,
    });
    let changeset = Product::changeset().cast(&input, columns());
    assert_eq!(told(&changeset), "");
    let product = changeset.insert(db).await?;
    assert_ne!(product.id, 900);
    assert_eq!(
        (product.count, product.weight, product.is_sold),
        (Some(12), Some(2.0), false)
    );
    assert_eq!(
        (product.price, product.size),
        (Decimal::new(199, 1), Some(Size::Small))
    );
    assert_eq!(Product::get(db, product.id).await?, Some(product));
    Ok(())
});

on_every_backend!(only_the_named_columns_are_taken, async |db| {
    create_table::<Product>(db).await?;
    let form = [
        ("name", "Lamp"),
        ("price", "1"),
        ("is_sold", "true"),
        ("id", "77"),
    ];
    let product = Product::changeset()
        .put(Product::is_sold, false)
        .cast(
            &form,
            [
                Product::name.name(),
                Product::price.name(),
                Product::note.name(),
            ],
        )
        .insert(db)
        .await?;
    assert!(product.id != 77 && !product.is_sold, "{product:?}");
    let changed = product.change().cast(&form[..1], columns());
    assert_eq!(changed.changes().columns().collect::<Vec<_>>(), ["name"]);
    Ok(())
});

on_every_backend!(blank_input_is_null_or_missing, async |db| {
    create_table::<Product>(db).await?;
    let form = FIELDS.map(|field| (field, " "));
    let changeset = Product::changeset().cast(&form, columns());
    insta::assert_snapshot!(told(&changeset), @r"
    name: required: can't be blank
    price: required: can't be blank
    is_sold: required: can't be blank
    ");
    let error = changeset.insert(db).await.unwrap_err();
    assert!(error.is_invalid(), "{error:?}");
    assert_eq!(error.fields().len(), 3);
    assert_eq!(Product::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(what_does_not_read_is_invalid_and_never_told, async |db| {
    create_table::<Product>(db).await?;
    let form = FIELDS.map(|field| (field, "swordfish"));
    let changeset = Product::changeset().cast(&form, columns());
    insta::assert_snapshot!(told(&changeset), @r"
    count: cast: is invalid reason=expected a whole number in the range of the column, found other text
    price: cast: is invalid reason=expected a decimal number, found other text
    weight: cast: is invalid reason=expected a number, found other text
    is_sold: cast: is invalid reason=expected bool, found text
    day: cast: is invalid reason=expected a date like 2026-01-31, found text
    mark: cast: is invalid reason=expected a uuid, found other text
    size: cast: is invalid reason=expected one of `small`, `large`, found text
    ");
    let text = format!("{changeset:?} {}", told(&changeset));
    assert!(!text.contains("swordfish"), "{text}");
    let error = changeset.insert(db).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("swordfish"),
        "{error}"
    );
    Ok(())
});

on_every_backend!(a_number_out_of_range_does_not_read, async |db| {
    create_table::<Product>(db).await?;
    for input in [
        json!({"count": 40_000}),
        json!({"count": 1.5}),
        json!({"count": u64::MAX}),
    ] {
        let changeset = Product::changeset().cast(&input, columns());
        assert_eq!(changeset.errors()[0].code(), "cast", "{input}");
    }
    let changeset = Product::changeset().cast(&json!({"name": 5, "note": ["a"]}), columns());
    let codes: Vec<_> = changeset
        .errors()
        .iter()
        .map(|error| error.field())
        .collect();
    assert_eq!(codes, ["name", "note"]);
    assert!(changeset.insert(db).await.unwrap_err().is_invalid());
    Ok(())
});

on_every_backend!(errors_of_the_program_are_told_with_the_others, async |db| {
    create_table::<Product>(db).await?;
    let changeset = Product::changeset()
        .cast(&TEXTS, columns())
        .add_error(Product::price, "sale", "is not on sale")
        .required(Product::note);
    assert!(!changeset.is_valid());
    assert_eq!(changeset.get(Product::count), Some(Some(12)));
    let error = changeset.insert(db).await.unwrap_err();
    let message = "invalid changes: price is not on sale; note can't be blank";
    assert_eq!(error.message(), message);
    assert_eq!(Product::query().count(db).await?, 0);
    Ok(())
});
