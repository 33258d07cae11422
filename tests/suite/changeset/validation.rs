//! Each rule that needs no database, with the code, the text and the parameters of its error.

use estoult::{Changeset, Decimal, ErrorKind, Schema, new};

use super::{Product, Size, told};
use crate::support::{create_table, on_every_backend};

fn product() -> Changeset<Product> {
    Product::changeset()
        .put(Product::name, "L\u{e4}mp")
        .put(Product::count, Some(12))
        .put(Product::price, Decimal::new(1990, 2))
        .put(Product::is_sold, false)
        .put(Product::size, Some(Size::Small))
}

on_every_backend!(rules_that_hold_let_the_row_in, async |db| {
    create_table::<Product>(db).await?;
    let product = product()
        .required(Product::name)
        .required(Product::count)
        .max_length(Product::name, 4)
        .min_length(Product::name, 4)
        .length(Product::name, 2..=4)
        .max_length(Product::note, 0)
        .range(Product::count, 12..)
        .range(Product::price, Decimal::ZERO..Decimal::from(20))
        .range(Product::weight, ..0.0)
        .format(Product::name, "^L.*p$")
        .format(Product::note, "never looked at")
        .inclusion(Product::size, [Some(Size::Small)])
        .exclusion(Product::name, ["admin"])
        .validate(Product::count, |count| match count {
            Some(12) => Ok(()),
            _ => Err("is not a dozen".into()),
        })
        .insert(db)
        .await?;
    assert_eq!(product.name, "L\u{e4}mp");
    Ok(())
});

on_every_backend!(each_broken_rule_is_told, async |db| {
    create_table::<Product>(db).await?;
    let changeset = product()
        .required(Product::note)
        .max_length(Product::name, 3)
        .min_length(Product::name, 5)
        .length(Product::name, 7..=9)
        .length(Product::name, 1..3)
        .range(Product::count, 13..)
        .range(Product::count, ..12)
        .range(Product::count, ..=11)
        .range(Product::price, Decimal::from(20)..=Decimal::from(30))
        .format(Product::name, "^[a-z]+$")
        .inclusion(Product::size, [Some(Size::Large)])
        .exclusion(Product::count, [Some(11), Some(12)])
        .validate(Product::name, |name| match name.is_ascii() {
            true => Ok(()),
            false => Err("has letters that the printer lacks".into()),
        });
    insta::assert_snapshot!(told(&changeset), @r"
    note: required: can't be blank
    name: length: must have at most 3 characters max=3
    name: length: must have at least 5 characters min=5
    name: length: must have from 7 to 9 characters min=7 max=9
    name: length: must have at least 1 and less than 3 characters min=1 max=3
    count: range: must be at least 13 min=13
    count: range: must be less than 12 max=12
    count: range: must be at most 11 max=11
    price: range: must be from 20 to 30 min=20 max=30
    name: format: has the wrong format
    size: inclusion: is not one of the allowed values
    count: exclusion: is reserved
    name: custom: has letters that the printer lacks
    ");
    let error = changeset.insert(db).await.unwrap_err();
    assert_eq!(error.fields().len(), 13);
    assert!(
        !format!("{error} {error:?}").contains("L\u{e4}mp"),
        "{error}"
    );
    assert_eq!(Product::query().count(db).await?, 0);
    Ok(())
});

on_every_backend!(only_what_changes_is_judged_again, async |db| {
    create_table::<Product>(db).await?;
    let row = new!(Product {
        name: "much too long a name".to_owned(),
        note: None,
        count: Some(-1),
        price: Decimal::ONE,
        weight: None,
        is_sold: false,
        day: None,
        mark: None,
        size: None
    });
    let row = row.insert(db).await?;
    let changed = row
        .change()
        .put(Product::is_sold, true)
        .max_length(Product::name, 5)
        .range(Product::count, 0..)
        .validate(Product::name, |_| Err("is never right".into()))
        .required(Product::name);
    assert!(changed.update(db).await?.is_sold);
    let blank = row.change().put(Product::name, " ").required(Product::name);
    assert_eq!(told(&blank), "name: required: can't be blank");
    let error = blank.update(db).await.unwrap_err();
    assert!(error.is_invalid(), "{error:?}");
    Ok(())
});

on_every_backend!(a_pattern_that_is_none_is_the_programs_mistake, async |db| {
    create_table::<Product>(db).await?;
    let changeset = product().format(Product::name, "(");
    assert!(!changeset.is_valid());
    let error = changeset.insert(db).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    assert!(
        error.message().contains("check the format of `name`"),
        "{error}"
    );
    Ok(())
});
