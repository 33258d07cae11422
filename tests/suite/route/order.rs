//! Which choice goes before which: a query's own, what the schema says, the handle's, the scope's, the settings'.

use estoult::{Database, Dialect, Registry, Schema, batch, new, with_schema, with_tenant};
use tokio::runtime::Builder;

use super::{author, create_tables, in_two_schemas, names, of};
use crate::support::{on_every_backend, on_every_fresh, runtime};

/// A table that its schema puts somewhere itself.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "settings", schema = "shared")]
struct Setting {
    #[field(key)]
    name: String,
}

/// One that it does not.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "orders")]
struct Order {
    id: i64,
}

/// The text behind FROM on a database that quotes with `"`.
fn source<S: Schema>(query: &estoult::Query<S>) -> String {
    let sql = query.to_sql(Dialect::Postgres).expect("a text");
    let (_, source) = sql.text().split_once("FROM ").expect("a source");
    source.to_owned()
}

#[test]
fn scopes_and_own_choices_follow_one_order() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    for choices in 0..16_u8 {
        let [has_scope, has_inner, has_tenant, has_own] = [1, 2, 4, 8].map(|bit| choices & bit > 0);
        let make = || {
            let (mut orders, mut settings) = (Order::query(), Setting::query());
            if has_own {
                (orders, settings) = (orders.using_schema("own"), settings.using_schema("own"));
            }
            (orders, settings)
        };
        let inner = async {
            match has_inner {
                true => with_schema("inner", async { make() }).await,
                false => make(),
            }
        };
        let tenant = async {
            match has_tenant {
                true => with_tenant("tenant", inner).await,
                false => inner.await,
            }
        };
        let (orders, settings) = runtime.block_on(async {
            match has_scope {
                true => with_schema("scope", tenant).await,
                false => tenant.await,
            }
        });
        let chosen = [
            (has_own, "own"),
            (has_tenant, "tenant"),
            (has_inner, "inner"),
            (has_scope, "scope"),
        ];
        let chosen = chosen.iter().find(|(is_chosen, _)| *is_chosen);
        let expected = chosen.map_or(r#""orders""#.to_owned(), |(_, name)| {
            format!(r#""{name}"."orders""#)
        });
        assert_eq!(source(&orders), expected);
        let own = if has_own { "own" } else { "shared" };
        assert_eq!(source(&settings), format!(r#""{own}"."settings""#));
    }
}

on_every_backend!(the_handles_schema_goes_before_the_scopes, async |db| {
    in_two_schemas(db, async |a, b| {
        author(a, "Kurt").await?;
        author(b, "Ursula").await?;
        let found = with_schema(of(a), async { names(b).await });
        assert_eq!(found.await?, ["Ursula"]);
        // A handle that is given another schema has that one.
        assert_eq!(names(&b.using_schema(of(a))?).await?, ["Kurt"]);
        Ok(())
    })
    .await
});

on_every_backend!(
    what_the_schema_says_goes_before_handle_and_scope,
    async |db| {
        // On MySQL a schema is a database of the server, whose name is not free.
        if !db.dialect().features().transactional_ddl {
            return Ok(());
        }
        in_two_schemas(db, async |a, _| {
            db.create_schema("shared").await?;
            let shared = db.using_schema("shared")?;
            batch(
                &shared,
                "create table {schema}.settings (name varchar(20) primary key)",
            )
            .await?;
            let name = "colour".to_owned();
            new!(Setting { name }).insert(a).await?;
            let scoped = with_schema(of(a), async { Setting::query().count(db).await });
            assert_eq!(scoped.await?, 1);
            let error = Setting::query()
                .using_schema(of(a))
                .count(db)
                .await
                .unwrap_err();
            assert!(error.message().contains("settings"), "{error}");
            Ok(())
        })
        .await
    }
);

on_every_fresh!(the_schema_of_the_settings_is_the_last_resort, |fresh| {
    runtime().block_on(async {
        let plain = fresh.database();
        let lifespan = plain.connect().await?;
        let outcome = in_two_schemas(&plain, async |a, b| {
            author(a, "Kurt").await?;
            author(b, "Ursula").await?;
            let settled = Database::builder(&fresh.url).schema(of(a));
            let registry = Registry::builder(settled).build()?;
            let lifespan = registry.connect().await?;
            assert_eq!(names(registry.default_database()).await?, ["Kurt"]);
            let found = with_schema(of(b), async { names(registry.default_database()).await });
            assert_eq!(found.await?, ["Ursula"]);
            // Raw SQL is not refused: no schema was chosen for this statement.
            let (one,): (i64,) = estoult::sql("select 1").one(&registry).await?;
            assert_eq!(one, 1);
            let count = estoult::sql("select count(*) from {schema}.authors");
            let (count,): (i64,) = count.one(&registry).await?;
            assert_eq!(count, 1);
            lifespan.close().await
        });
        outcome.await?;
        create_tables(&plain)
            .await
            .expect_err("tables that are there already");
        lifespan.close().await
    })
});
