//! Raw SQL on a handle that is bound to a tenant: it says the tenant, or that it means all of them.

use estoult::{
    Dialect, ErrorKind, Schema, batch,
    copy::{copy_in, copy_out},
    pipeline::pipeline,
    sql,
};

use super::{Project, names, two};
use crate::support::{on_every_backend, wrap};

on_every_backend!(the_name_tenant_stands_for_the_tenant, async |db| {
    let [(seven, ..), (eight, ..)] = two(db).await?;
    let text = "select name from projects where customer_id = :tenant and id > :id";
    for (tenant, name) in [(&seven, "house"), (&eight, "boat")] {
        let (found,): (String,) = sql(text).bind("id", 0).one(tenant).await?;
        assert_eq!(found, name);
    }
    let deleted = sql("delete from tasks where customer_id = :tenant");
    assert_eq!(deleted.execute(&seven).await?, 1);
    // Without a tenant the name is one like any other.
    let (found,): (String,) = sql(text).bind("id", 0).bind("tenant", 8).one(db).await?;
    assert_eq!(found, "boat");
    Ok(())
});

on_every_backend!(raw_sql_that_reaches_all_tenants_says_so, async |db| {
    let [(seven, ..), _] = two(db).await?;
    let all = || sql("select count(*) from projects");
    let error = all().one::<(i64,)>(&seven).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrap(error.message()), @"
        run raw SQL on a handle that is bound to a tenant: the text does not say
        `:tenant`, so it would reach the rows of all tenants; limit it with `… =
        :tenant`, or call `across_tenants()` when that is meant
        ");
    }
    assert_eq!(all().across_tenants().one::<(i64,)>(&seven).await?, (2,));
    assert_eq!(all().one::<(i64,)>(seven.unbound()).await?, (2,));
    let bound = sql("select :tenant").bind("tenant", 8);
    let error = bound.one::<(i64,)>(&seven).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrap(error.message()), @"
        run raw SQL on a handle that is bound to a tenant: the value `tenant` is bound,
        but `:tenant` is the tenant of the handle; give the value another name
        ");
    }
    Ok(())
});

on_every_backend!(a_pipeline_reaches_the_rows_of_its_tenant, async |db| {
    let [(seven, ..), (eight, ..)] = two(db).await?;
    let renamed = Project::query().set(Project::name, "tower");
    let raw = "select name from projects where customer_id = :tenant";
    let (before, raw, renamed) = pipeline(
        &seven,
        (Project::query(), sql(raw).into_rows::<(String,)>(), renamed),
    )
    .await?;
    assert_eq!(before?[0].name, "house");
    assert_eq!((raw?, renamed?), (vec![("house".to_owned(),)], 1));
    assert_eq!(names(&seven).await?, ["tower"]);
    assert_eq!(names(&eight).await?, ["boat"]);
    let all = sql("select name from projects").into_rows::<(String,)>();
    let error = pipeline(&seven, (Project::query(), all)).await.unwrap_err();
    assert!(error.message().contains(":tenant"), "{error}");
    Ok(())
});

on_every_backend!(a_script_is_run_for_no_tenant, async |db| {
    let [(seven, ..), _] = two(db).await?;
    let error = batch(&seven, "delete from tasks").await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrap(error.message()), @"
        run a script on a handle that is bound to a tenant: a script has no parameters,
        so it would reach the rows of all tenants; run it on `handle.unbound()`, or
        statement by statement with `sql`
        ");
    }
    let (tasks,): (i64,) = sql("select count(*) from tasks").one(db).await?;
    assert_eq!(tasks, 2);
    batch(seven.unbound(), "delete from tasks").await
});

on_every_backend!(a_copy_is_run_for_no_tenant, async |db| {
    let [(seven, ..), _] = two(db).await?;
    let mut read = Vec::new();
    let out = copy_out(&seven, "copy projects to stdout", &mut read).await;
    let into = "copy colours (name) from stdin";
    let written = copy_in(&seven, into, "red\n".as_bytes()).await;
    for error in [out.unwrap_err(), written.unwrap_err()] {
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrap(error.message()), @"
            copy data on a handle that is bound to a tenant: a COPY has no parameters, so it
            would reach the rows of all tenants; run it on `handle.unbound()`
            ");
        }
    }
    assert!(read.is_empty());
    let (colours,): (i64,) = sql("select count(*) from colours where name = 'red'")
        .one(db)
        .await?;
    assert_eq!(colours, 0);
    let unbound = copy_out(seven.unbound(), "copy projects to stdout", &mut read).await;
    match db.dialect() {
        Dialect::Postgres => assert_eq!(unbound?, 2),
        _ => assert!(matches!(
            unbound.unwrap_err().kind(),
            ErrorKind::Unsupported
        )),
    }
    Ok(())
});
