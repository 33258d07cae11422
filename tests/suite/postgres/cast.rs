//! The types of parameters in the program's own SQL: they are those that a literal would have in that place.

use chrono::NaiveDate;
use estoult::{ErrorKind, Result, batch, sql};
use serde_json::json;

use super::on_one_connection;

#[test]
fn an_integer_is_one_of_the_size_that_its_place_asks_for() {
    on_one_connection("", async |db, _| {
        let texts = [
            ("repeat('a', :n)", "aa"),
            ("left('abc', :n)", "ab"),
            ("right('abc', :n)", "bc"),
            ("substring('abc' from :n)", "bc"),
            ("substr('abc', :n, 1)", "b"),
            ("lpad('a', :n)", " a"),
            ("rpad('a', :n, 'x')", "ax"),
            ("split_part('a-b', '-', :n)", "b"),
            ("chr(63 + :n)", "A"),
            ("cast(round(1.005, :n) as text)", "1.01"),
            ("cast(make_date(2000 + :n, :n, 1) as text)", "2002-02-01"),
            ("cast(date '2000-01-01' + :n as text)", "2000-01-03"),
            ("cast('[1,2,3]'::jsonb -> :n as text)", "3"),
            ("'[1,2,3]'::jsonb ->> :n", "3"),
            ("cast('[1,2,3]'::jsonb - :n as text)", "[1, 2]"),
            ("cast((array[1,2,3])[(:n)] as text)", "2"),
            ("cast(1::smallint + :n as text)", "3"),
            ("cast(1::bigint + :n as text)", "3"),
            ("cast(1.5 + :n as text)", "3.5"),
            ("cast(interval '1 day' * :n as text)", "2 days"),
            ("cast(10 % :n as text)", "0"),
            ("to_hex(:n)", "2"),
        ];
        // Each once by itself and once with another width of the same value.
        for (text, expected) in texts {
            for _ in 0..2 {
                let query = sql(format!("select {text}")).bind("n", 2_i64);
                let (read,): (String,) = query.one(db).await?;
                assert_eq!(read, expected, "{text}");
            }
            let query = sql(format!("select {text}")).bind("n", 2_i16);
            assert_eq!(query.one::<(String,)>(db).await?.0, expected, "{text}");
        }
        Ok(())
    });
}

#[test]
fn an_integer_above_int4_is_a_bigint() {
    on_one_connection("", async |db, _| {
        let large = i64::from(i32::MAX) + 1;
        for value in [1, large, i64::MIN, i64::MAX, 0] {
            let sum = sql("select :n::bigint, :n + 0::bigint, :n").bind("n", value);
            let (first, second, third): (i64, i64, i64) = sum.one(db).await?;
            assert_eq!((first, second, third), (value, value, value));
        }
        let error = sql("select left('abc', :n)")
            .bind("n", large)
            .rows(db)
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        Ok(())
    });
}

#[test]
fn a_null_fits_every_column() {
    on_one_connection("", async |db, _| {
        let types = [
            "int2",
            "int4",
            "int8",
            "numeric",
            "real",
            "float8",
            "bool",
            "text",
            "varchar(3)",
            "bytea",
            "uuid",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "json",
            "jsonb",
            "int4[]",
            "interval",
            "inet",
            "point",
        ];
        let columns: Vec<_> = types
            .iter()
            .map(|name| format!("\"c {name}\" {name}"))
            .collect();
        sql(format!("create table nulls ({})", columns.join(", ")))
            .execute(db)
            .await?;
        for name in types {
            let insert = format!("insert into nulls (\"c {name}\") values (:x)");
            sql(&insert).bind("x", None::<String>).execute(db).await?;
            sql(&insert).bind("x", None::<i64>).execute(db).await?;
            sql(&insert).bind("x", None::<bool>).execute(db).await?;
            let update = format!("update nulls set \"c {name}\" = :x");
            sql(&update).bind("x", None::<String>).execute(db).await?;
        }
        let (count,): (i64,) = sql("select count(*) from nulls n where n is null")
            .one(db)
            .await?;
        assert_eq!(count, i64::try_from(types.len()).unwrap() * 3);
        Ok(())
    });
}

#[test]
fn a_parameter_that_may_have_any_type_gets_that_of_its_value() {
    on_one_connection("", async |db, _| {
        for _ in 0..2 {
            let is_null = |value: Option<&str>| {
                sql("select :x is null")
                    .bind("x", value.map(str::to_owned))
                    .one::<(bool,)>(db)
            };
            assert_eq!(is_null(None).await?, (true,));
            assert_eq!(is_null(Some("a")).await?, (false,));
            let number = sql("select :n is null, :n").bind("n", None::<i64>);
            assert_eq!(number.one::<(bool, Option<i64>)>(db).await?, (true, None));
            let sum = sql("select :a + :b").bind("a", 1).bind("b", 2_i64);
            assert_eq!(sum.one::<(i32,)>(db).await?, (3,));
            let both = sql("select :a || :b").bind("a", "x").bind("b", "y");
            assert_eq!(both.one::<(String,)>(db).await?.0, "xy");
            let series = sql("select count(*) from generate_series(:a, :b)");
            let series = series.bind("a", 1).bind("b", 3);
            assert_eq!(series.one::<(i64,)>(db).await?, (3,));
        }
        Ok(())
    });
}

#[test]
fn within_a_transaction_an_unclear_type_is_an_error_with_a_remedy() {
    on_one_connection("", async |db, _| {
        let ask = async || -> Result<(bool,)> {
            db.transaction(async |tx| {
                sql("select 1").rows(tx).await?;
                sql("select :x is null")
                    .bind("x", None::<String>)
                    .one(tx)
                    .await
            })
            .await
        };
        let error = ask().await.unwrap_err();
        assert!(error.message().contains("cast(:name as text)"), "{error}");
        // From then on it is declared, in this and all other connections.
        assert_eq!(ask().await?, (true,));
        let first = db.transaction(async |tx| {
            let text = sql("select :y is not null").bind("y", None::<String>);
            text.one::<(bool,)>(tx).await
        });
        // Nothing had run in that transaction, so it was begun again.
        assert_eq!(first.await?, (false,));
        Ok(())
    });
}

#[test]
fn a_text_is_what_its_place_asks_for() {
    on_one_connection("", async |db, _| {
        let texts = [
            (
                "cast(timestamp '2000-01-01' + :t as text)",
                "1 day",
                "2000-01-02 00:00:00",
            ),
            ("cast(:t::jsonb -> 'a' as text)", r#"{"a": 1}"#, "1"),
            ("cast(inet '10.0.0.1' << :t as text)", "10.0.0.0/8", "true"),
            (
                "cast(:t = any (enum_range(null::mood)) as text)",
                "ok",
                "true",
            ),
        ];
        batch(db, "create type mood as enum ('ok')").await?;
        for (text, value, expected) in texts {
            let query = sql(format!("select {text}")).bind("t", value);
            assert_eq!(query.one::<(String,)>(db).await?.0, expected, "{text}");
        }
        let document = sql("select cast(:d -> 'a' as text)").bind("d", json!({"a": [1]}));
        assert_eq!(document.one::<(String,)>(db).await?.0, "[1]");
        let day = NaiveDate::from_ymd_opt(2020, 2, 29).unwrap();
        let next = sql("select :d + 1").bind("d", day);
        assert_eq!(
            next.one::<(NaiveDate,)>(db).await?.0,
            day.succ_opt().unwrap()
        );
        Ok(())
    });
}

#[test]
fn a_value_out_of_its_columns_range_is_refused() {
    on_one_connection("", async |db, _| {
        sql("create table small (a smallint, b integer, c varchar(2), d numeric(3, 1))")
            .execute(db)
            .await?;
        let wide = i64::from(i32::MAX) + 7;
        let texts = [("a", 70_000), ("a", wide), ("b", wide), ("d", 1000)];
        for (column, value) in texts {
            let insert = sql(format!("insert into small ({column}) values (:value)"));
            let error = insert.bind("value", value).execute(db).await.unwrap_err();
            assert_eq!(error.code(), Some("22003"), "{error:?}");
            assert!(
                !super::all_words(&error).contains(&value.to_string()),
                "{error:?}"
            );
        }
        let insert = sql("insert into small (c) values (:value)");
        let error = insert
            .bind("value", "too long")
            .execute(db)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("22001"), "{error:?}");
        let compared = sql("select 1 from small where a = :value").bind("value", wide);
        assert!(compared.all::<(i32,)>(db).await?.is_empty());
        Ok(())
    });
}

#[test]
fn what_has_run_is_not_run_again_for_a_type() {
    on_one_connection("", async |db, _| {
        batch(db, "create table things (id int)").await?;
        for (name, failing) in [
            (
                "raised",
                "raise exception 'not now' using errcode = '42725'",
            ),
            ("executed", "execute 'select $1 is null'"),
        ] {
            let procedure = format!(
                "create procedure {name}(a int) language plpgsql as $$ begin \
                 insert into things values (a); commit; {failing}; end $$"
            );
            batch(db, &procedure).await?;
            let call = || sql(format!("call {name}(:a)")).bind("a", 1);
            let error = call().execute(db).await.unwrap_err();
            assert!(!error.message().contains("write the type"), "{error}");
            let (outcome, _) = db.pipeline((call(), sql("select 1"))).await?;
            assert_eq!(outcome.unwrap_err().code(), error.code());
            let (count,): (i64,) = sql("select count(*) from things").one(db).await?;
            assert_eq!(count, 2, "{name}");
            sql("delete from things").execute(db).await?;
        }
        Ok(())
    });
}
