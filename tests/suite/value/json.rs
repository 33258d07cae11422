//! JSON: any document, a typed one, and a type that is kept as JSON.

use estoult::{Dialect, Json, Schema, Value, new};
use proptest::{
    collection::{btree_map, vec},
    prelude::{Just, Strategy, any},
    prop_oneof,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Document, json};

use super::refuses;
use crate::support::{create_table, for_any, on_every_backend};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tags {
    names: Vec<String>,
    weight: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Value)]
#[value(json)]
enum Shape {
    Circle { radius: u32 },
    Square(u32),
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "documents")]
struct Filed {
    id: i64,
    document: Document,
    tags: Json<Tags>,
    maybe: Option<Json<Vec<i64>>>,
    shape: Shape,
}

fn document() -> impl Strategy<Value = Document> {
    let leaf = prop_oneof![
        Just(Document::Null),
        any::<bool>().prop_map(Document::from),
        any::<i64>().prop_map(Document::from),
        "[^\u{0}]{0,12}".prop_map(Document::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Document::from),
            btree_map("[^\u{0}]{0,6}", inner, 0..4)
                .prop_map(|map| Document::from_iter(map.into_iter())),
        ]
    })
}

fn tags() -> Tags {
    Tags {
        names: vec!["sea".to_owned(), "it's \"x\" \\ \u{1f422}".to_owned()],
        weight: Some(0.25),
    }
}

on_every_backend!(any_document_makes_the_round_trip, async |db| {
    create_table::<Filed>(db).await?;
    for_any(
        &(document(), vec(any::<i64>(), 0..4)),
        async |(document, numbers)| {
            let row = new!(Filed {
                document: document.clone(),
                tags: Json(tags()),
                maybe: Some(Json(numbers.clone())),
                shape: Shape::Circle { radius: 3 }
            });
            let row = row.insert(db).await?;
            assert_eq!((&row.document, &row.tags.0), (&document, &tags()));
            assert_eq!(row.maybe, Some(Json(numbers)));
            assert_eq!(row.shape, Shape::Circle { radius: 3 });
            assert_eq!(Filed::get(db, row.id).await?, Some(row));
            Ok(())
        },
    );
    Ok(())
});

on_every_backend!(null_and_the_json_null_are_told_apart, async |db| {
    create_table::<Filed>(db).await?;
    let row = new!(Filed {
        document: Document::Null,
        tags: Json(tags()),
        maybe: None,
        shape: Shape::Square(2)
    });
    let row = row.insert(db).await?;
    assert_eq!((&row.document, &row.maybe), (&Document::Null, &None));
    let nulls = Filed::query().filter(Filed::maybe.is_null().and(Filed::document.is_not_null()));
    assert_eq!(nulls.count(db).await?, 1);
    let changed = row
        .change()
        .put(Filed::maybe, Some(Json(vec![1])))
        .update(db)
        .await?;
    assert_eq!(Filed::get(db, row.id).await?, Some(changed));
    Ok(())
});

on_every_backend!(json_of_another_shape_names_the_column, async |db| {
    create_table::<Filed>(db).await?;
    let row = new!(Filed {
        document: json!({"a": 1}),
        tags: Json(tags()),
        maybe: None,
        shape: Shape::Square(2)
    });
    row.insert(db).await?;
    estoult::sql("update documents set tags = '{\"names\": 5}'")
        .execute(db)
        .await?;
    let error = Filed::query().all(db).await.unwrap_err();
    refuses(&error, "documents.tags");
    assert!(error.message().contains("json of another shape"), "{error}");
    Ok(())
});

on_every_backend!(nul_inside_of_a_document_is_kept_or_refused, async |db| {
    create_table::<Filed>(db).await?;
    let document = json!({"text": "a\u{0}b", "slashes": "\\\\u0000"});
    let row = new!(Filed {
        document: document.clone(),
        tags: Json(tags()),
        maybe: None,
        shape: Shape::Square(2)
    });
    let inserted = row.insert(db).await;
    if db.dialect() == Dialect::Postgres {
        refuses(&inserted.unwrap_err(), "documents.document");
        let row = new!(Filed {
            document: json!({"slashes": "\\u0000"}),
            tags: Json(tags()),
            maybe: None,
            shape: Shape::Square(2)
        });
        assert_eq!(
            row.insert(db).await?.document,
            json!({"slashes": "\\u0000"})
        );
    } else {
        assert_eq!(inserted?.document, document);
    }
    Ok(())
});
