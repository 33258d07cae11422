//! Raw SQL says itself in which schema its tables are: `{schema}`.

use estoult::{
    Dialect, ErrorKind, batch,
    copy::{copy_in, copy_out},
    sql, with_schema,
};

use super::{author, in_two_schemas, of};
use crate::support::{on_every_backend, wrap};

on_every_backend!(the_chosen_schema_stands_for_its_mark, async |db| {
    in_two_schemas(db, async |a, b| {
        author(a, "Kurt").await?;
        let count = || {
            sql("select count(*), '{schema}.' from {schema}.authors where id > :id").bind("id", 0)
        };
        for (found, expected) in [
            (count().one(a).await?, 1),
            (count().one(b).await?, 0),
            (count().one(db).await?, 0),
            (count().using_schema(of(a)).one(b).await?, 1),
            (
                with_schema(of(a), async { count().one(db).await }).await?,
                1,
            ),
        ] {
            let (count, text): (i64, String) = found;
            assert_eq!((count, &*text), (expected, "{schema}."));
        }
        batch(
            a,
            "delete from {schema}.authors; delete from {schema}.books",
        )
        .await?;
        let (count, _): (i64, String) = count().one(a).await?;
        assert_eq!(count, 0);
        Ok(())
    })
    .await
});

on_every_backend!(a_text_that_does_not_say_its_schema_is_refused, async |db| {
    in_two_schemas(db, async |a, _| {
        let text = "select count(*) from authors";
        let handle = sql(text).one::<(i64,)>(a).await.unwrap_err();
        let scope = with_schema(of(a), async { sql(text).one::<(i64,)>(db).await });
        let script = batch(a, text).await.unwrap_err();
        assert!(
            matches!(script.kind(), ErrorKind::Configuration),
            "{script:?}"
        );
        // A script has no `across_schemas`, and neither has a COPY.
        insta::assert_snapshot!(wrap(script.message().replace(of(a), "a")), @r"
        run raw SQL in the schema `a`: the text does not say in which schema its tables
        are; write `{schema}.` before their names, or run it on the database's own
        handle, outside of the scope, when it is about none
        ");
        if db.dialect() == Dialect::Postgres {
            let copy = copy_out(a, "copy authors to stdout", &mut Vec::new())
                .await
                .unwrap_err();
            assert_eq!(copy.message(), script.message());
        }
        for error in [handle, scope.await.unwrap_err()] {
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            insta::allow_duplicates! {
                insta::assert_snapshot!(wrap(error.message().replace(of(a), "a")), @r"
                run raw SQL in the schema `a`: the text does not say in which schema its tables
                are; write `{schema}.` before their names, or call `across_schemas()` when it is
                about none
                ");
            }
        }
        let (count,): (i64,) = sql(text).across_schemas().one(a).await?;
        assert_eq!(count, 0);
        let error = sql("create schema {schema}").execute(db).await.unwrap_err();
        assert!(error.message().contains("no schema was chosen"), "{error}");
        Ok(())
    })
    .await
});

on_every_backend!(a_copy_says_its_schema_too, async |db| {
    in_two_schemas(db, async |a, _| {
        let (into, from) = (
            "copy authors (name) from stdin",
            "copy (select name from authors) to stdout",
        );
        let mut read = Vec::new();
        let refused = [
            copy_in(a, into, "Kurt\n".as_bytes()).await,
            copy_out(a, from, &mut read).await,
            with_schema(of(a), async {
                copy_in(db, into, "Kurt\n".as_bytes()).await
            })
            .await,
        ];
        for error in refused.map(Result::unwrap_err) {
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
        }
        let [into, from] = [into, from].map(|text| text.replace("authors", "{schema}.authors"));
        let written = copy_in(a, &into, "Kurt\n".as_bytes()).await;
        if db.dialect() != Dialect::Postgres {
            let error = written.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            return Ok(());
        }
        assert_eq!(written?, 1);
        assert_eq!(copy_out(a, &from, &mut read).await?, 1);
        assert_eq!(read, b"Kurt\n");
        // Without a schema the text is about the tables of the database itself.
        assert_eq!(copy_out(db, &from, &mut read).await?, 0);
        Ok(())
    })
    .await
});
