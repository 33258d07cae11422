//! Associations: what a preload gives each row, in how many statements.

mod statement;

use estoult::{Database, Result, Schema, insert_all, new};

use crate::support::{
    create_table, on_every_backend,
    schemas::{Author, Book, Profile, author, book, create_tables},
};

/// A tree in one table: each node but the root has another one above it.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "nodes")]
#[schema(belongs_to(parent: Node, key = "parent_id"))]
#[schema(has_many(children: Node, key = "parent_id"))]
struct Node {
    id: i64,
    parent_id: Option<i64>,
    name: String,
    rank: Option<i32>,
}

/// Rows that are found by a text instead of the key.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "countries", has_many(cities: City, key = "country_code", references = "code"))]
struct Country {
    id: i64,
    #[field(unique)]
    code: String,
}

#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "cities", belongs_to(country: Country, key = "country_code", references = "code"))]
struct City {
    id: i64,
    country_code: Option<String>,
    name: String,
}

/// Kurt with three books and a profile, Ursula with one book, a third author with nothing.
async fn library(db: &Database) -> Result<[Author; 3]> {
    create_tables(db).await?;
    let kurt = author(db, "Kurt").await?;
    let ursula = author(db, "Ursula").await?;
    let newcomer = author(db, "Newcomer").await?;
    for (author, title, cents) in [
        (&kurt, "Timequake", 300),
        (&kurt, "Galápagos", 1250),
        (&ursula, "Voices", 700),
        (&kurt, "Bluebeard", 950),
    ] {
        book(db, author, title, cents).await?;
    }
    let text = "Indianapolis".to_owned();
    let author_id = kurt.id;
    new!(Profile { author_id, text }).insert(db).await?;
    Ok([kurt, ursula, newcomer])
}

fn titles(rows: &[(Author, Vec<Book>)]) -> Vec<String> {
    let row = |(author, books): &(Author, Vec<Book>)| {
        let titles: Vec<_> = books.iter().map(|book| book.title.as_str()).collect();
        format!("{}: {}", author.name, titles.join(", "))
    };
    rows.iter().map(row).collect()
}

fn authors() -> estoult::Query<Author> {
    Author::query().order_by(Author::id.asc())
}

on_every_backend!(has_many_gives_each_row_its_own, async |db| {
    library(db).await?;
    let rows = authors()
        .preload(Author::books.order_by(Book::id.asc()))
        .all(db)
        .await?;
    let expected = [
        "Kurt: Timequake, Galápagos, Bluebeard",
        "Ursula: Voices",
        "Newcomer: ",
    ];
    assert_eq!(titles(&rows), expected);
    assert!(
        rows.iter()
            .flat_map(|(author, books)| books.iter().map(|book| (author.id, book.author_id)))
            .all(|(id, author_id)| id == author_id)
    );
    Ok(())
});

on_every_backend!(belongs_to_shares_the_row_of_many, async |db| {
    let [kurt, ursula, _] = library(db).await?;
    let rows = Book::query()
        .order_by(Book::id.asc())
        .preload(Book::author)
        .all(db)
        .await?;
    let owners: Vec<_> = rows.into_iter().map(|(_, author)| author).collect();
    let expected = [
        Some(kurt.clone()),
        Some(kurt.clone()),
        Some(ursula),
        Some(kurt),
    ];
    assert_eq!(owners, expected);
    Ok(())
});

on_every_backend!(has_one_gives_a_row_or_none, async |db| {
    library(db).await?;
    let rows = authors().preload(Author::profile).all(db).await?;
    let texts: Vec<_> = rows
        .iter()
        .map(|(_, profile)| profile.as_ref().map(|profile| profile.text.as_str()))
        .collect();
    assert_eq!(texts, [Some("Indianapolis"), None, None]);
    Ok(())
});

on_every_backend!(preloaded_rows_are_filtered_and_ordered, async |db| {
    library(db).await?;
    let dear = Author::books
        .filter(Book::price.gt(estoult::Decimal::from(5)))
        .filter(Book::published.is_true())
        .order_by(Book::price.desc());
    let rows = authors().preload(dear).all(db).await?;
    assert_eq!(
        titles(&rows),
        ["Kurt: Galápagos, Bluebeard", "Ursula: Voices", "Newcomer: "]
    );
    let by_title = authors()
        .preload(Author::books.order_by(Book::title.asc()))
        .all(db)
        .await?;
    assert_eq!(
        titles(&by_title)[0],
        "Kurt: Bluebeard, Galápagos, Timequake"
    );
    Ok(())
});

on_every_backend!(a_limit_counts_for_each_row_by_itself, async |db| {
    library(db).await?;
    let two = Author::books.order_by(Book::price.desc()).limit(2);
    let rows = authors().preload(two).all(db).await?;
    assert_eq!(
        titles(&rows),
        ["Kurt: Galápagos, Bluebeard", "Ursula: Voices", "Newcomer: "]
    );
    let none = authors().preload(Author::books.limit(0)).all(db).await?;
    assert_eq!(titles(&none), ["Kurt: ", "Ursula: ", "Newcomer: "]);
    let filtered = Author::books
        .filter(Book::title.ne("Galápagos"))
        .limit(1)
        .order_by(Book::price.desc());
    let rows = authors().limit(1).preload(filtered).all(db).await?;
    assert_eq!(titles(&rows), ["Kurt: Bluebeard"]);
    Ok(())
});

on_every_backend!(a_limited_preload_keeps_the_order_of_null, async |db| {
    create_table::<Node>(db).await?;
    let root = node(db, None, "root", None).await?;
    for (name, rank) in [("a", Some(2)), ("b", None), ("c", Some(1))] {
        node(db, Some(root.id), name, rank).await?;
    }
    let orders = [
        (Node::rank.asc().nulls_first(), "bc"),
        (Node::rank.asc().nulls_last(), "ca"),
        (Node::rank.desc().nulls_first(), "ba"),
        (Node::rank.desc().nulls_last(), "ac"),
    ];
    for (order, expected) in orders {
        let query = Node::query().filter(Node::id.eq(root.id));
        let (_, children) = query
            .preload(
                Node::children
                    .order_by(order)
                    .order_by(Node::name.asc())
                    .limit(2),
            )
            .one(db)
            .await?;
        let names: Vec<_> = children.into_iter().map(|node| node.name).collect();
        assert_eq!(names.concat(), expected);
    }
    Ok(())
});

async fn node(
    db: &Database,
    parent_id: Option<i64>,
    name: &str,
    rank: Option<i32>,
) -> Result<Node> {
    let name = name.to_owned();
    new!(Node {
        parent_id,
        name,
        rank
    })
    .insert(db)
    .await
}

on_every_backend!(a_foreign_key_of_null_leads_nowhere, async |db| {
    create_table::<Node>(db).await?;
    let root = node(db, None, "root", None).await?;
    let leaf = node(db, Some(root.id), "leaf", None).await?;
    let rows = Node::query()
        .order_by(Node::id.asc())
        .preload(Node::parent)
        .all(db)
        .await?;
    assert_eq!(
        rows,
        [(root.clone(), None), (leaf.clone(), Some(root.clone()))]
    );
    let alone = Node::query()
        .filter(Node::parent_id.is_null())
        .preload(Node::parent);
    assert_eq!(alone.all(db).await?, [(root.clone(), None)]);
    let down = Node::query()
        .order_by(Node::id.asc())
        .preload(Node::children)
        .all(db)
        .await?;
    assert_eq!(down, [(root, vec![leaf.clone()]), (leaf, Vec::new())]);
    Ok(())
});

on_every_backend!(preloads_nest_and_stand_side_by_side, async |db| {
    let [kurt, ..] = library(db).await?;
    let nested = authors()
        .preload(
            Author::books
                .order_by(Book::title.asc())
                .preload(Book::author.preload(Author::profile)),
        )
        .preload(Author::profile)
        .limit(1);
    let (author, books, profile) = nested.one(db).await?;
    assert_eq!(author, kurt);
    assert_eq!(
        profile.as_ref().map(|profile| profile.author_id),
        Some(kurt.id)
    );
    assert_eq!(books.len(), 3);
    for (book, owner) in books {
        let (owner, owners_profile) = owner.expect("an author");
        assert_eq!((owner.id, book.author_id), (kurt.id, kurt.id));
        assert_eq!(owners_profile, profile);
    }
    let tree = Node::query().preload(Node::children.preload(Node::children.preload(Node::parent)));
    create_table::<Node>(db).await?;
    let mut above = None;
    for name in ["1", "2", "3"] {
        above = Some(node(db, above, name, None).await?.id);
    }
    let (_, second) = tree.filter(Node::name.eq("1")).one(db).await?;
    let (second, third) = second.into_iter().next().expect("a child");
    assert_eq!((second.name.as_str(), third[0].0.name.as_str()), ("2", "3"));
    assert_eq!(third[0].1, Some(second));
    Ok(())
});

on_every_backend!(no_rows_preload_nothing, async |db| {
    create_tables(db).await?;
    let rows = authors()
        .preload(Author::books.preload(Book::author))
        .preload(Author::profile);
    assert_eq!(rows.clone().all(db).await?, []);
    assert_eq!(rows.clone().first(db).await?, None);
    assert_eq!(rows.clone().count(db).await?, 0);
    assert!(rows.one(db).await.unwrap_err().is_not_found());
    Ok(())
});

on_every_backend!(rows_are_found_by_another_column_than_the_key, async |db| {
    create_table::<Country>(db).await?;
    create_table::<City>(db).await?;
    let countries = ["at", "it's"].map(|code| {
        new!(Country {
            code: code.to_owned()
        })
    });
    insert_all(db, countries).await?;
    let cities = [
        ("at", "Wien"),
        ("it's", "Roma"),
        ("at", "Graz"),
        ("", "Atlantis"),
    ];
    let cities = cities.map(|(code, name)| {
        new!(City {
            country_code: (!code.is_empty()).then(|| code.to_owned()),
            name: name.to_owned()
        })
    });
    insert_all(db, cities).await?;
    let rows = Country::query()
        .order_by(Country::code.asc())
        .preload(Country::cities.order_by(City::name.asc()))
        .all(db)
        .await?;
    let names = rows.iter().map(|(country, cities)| {
        let names: Vec<_> = cities.iter().map(|city| city.name.as_str()).collect();
        format!("{}: {}", country.code, names.join(" "))
    });
    assert_eq!(names.collect::<Vec<_>>(), ["at: Graz Wien", "it's: Roma"]);
    let cities = City::query()
        .order_by(City::name.asc())
        .preload(City::country)
        .all(db)
        .await?;
    let codes = cities
        .iter()
        .map(|(_, country)| country.as_ref().map(|country| country.code.as_str()));
    assert_eq!(
        codes.collect::<Vec<_>>(),
        [None, Some("at"), Some("it's"), Some("at")]
    );
    Ok(())
});

on_every_backend!(many_rows_are_preloaded_at_once, async |db| {
    create_tables(db).await?;
    let authors = (0..3000).map(|number| {
        new!(Author {
            name: format!("{number:04}"),
            email: None
        })
    });
    insert_all(db, authors).await?;
    let ids = Author::query()
        .order_by(Author::name.asc())
        .select(Author::id)
        .all(db)
        .await?;
    let books = ids.iter().flat_map(|author_id| {
        ["a", "b"].map(|title| {
            new!(Book {
                author_id: *author_id,
                title: title.to_owned(),
                price: estoult::Decimal::ONE,
                published: true
            })
        })
    });
    insert_all(db, books).await?;
    let rows = Author::query().preload(Author::books).all(db).await?;
    assert_eq!(rows.len(), 3000);
    assert!(rows.iter().all(|(author, books)| {
        books.len() == 2 && books.iter().all(|book| book.author_id == author.id)
    }));
    Ok(())
});

on_every_backend!(a_transaction_preloads_what_it_wrote, async |db| {
    create_tables(db).await?;
    db.transaction(async |tx| {
        let name = "Kurt".to_owned();
        let kurt = new!(Author { name, email: None }).insert(tx).await?;
        let title = "Jailbird".to_owned();
        let author_id = kurt.id;
        let price = estoult::Decimal::TEN;
        let published = true;
        new!(Book {
            author_id,
            title,
            price,
            published
        })
        .insert(tx)
        .await?;
        let rows = Author::query().preload(Author::books).all(tx).await?;
        assert_eq!(titles(&rows), ["Kurt: Jailbird"]);
        Ok(())
    })
    .await
});
