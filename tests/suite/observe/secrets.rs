//! No bound value reaches an observer or a log, whatever happens to it.

use std::sync::{Arc, Mutex};

use estoult::{Database, Schema, insert_all, new, observe::Event, sql};
use tracing::{Level, subscriber::set_default};

use crate::support::{Capture, create_table, for_any, on_every_backend, schemas::Author};

/// What an observer and a subscriber see, as text.
#[derive(Default, Clone)]
struct Seen(Arc<Mutex<String>>);

impl Seen {
    fn observe(&self, db: &Database) -> Database {
        let seen = self.clone();
        db.observed_by(move |event: &Event<'_>| {
            let error = event.error().map(|error| format!("{error} {error:?}"));
            *seen.0.lock().unwrap() += &format!("{event:?} {error:?}\n");
        })
    }
}

on_every_backend!(bound_values_are_never_told, async |db| {
    create_table::<Author>(db).await?;
    for_any(&"[a-z]{24}", async |secret| {
        let (seen, capture) = (Seen::default(), Capture::of(Level::TRACE).and_statements());
        let _subscriber = set_default(capture.clone());
        let db = &seen.observe(db);
        let author = || {
            let email = Some(format!("{secret}@example.com"));
            new!(Author {
                name: secret.clone(),
                email
            })
        };
        author().insert(db).await?;
        // The second one breaks a constraint, in each of the ways in which rows are inserted.
        author().insert(db).await.unwrap_err();
        insert_all(db, [author(), author()]).await.unwrap_err();
        Author::query()
            .filter(Author::name.eq(&*secret))
            .all(db)
            .await?;
        let cast = "select cast(:name as decimal(3)), missing from authors";
        sql(cast)
            .bind("name", secret.clone())
            .rows(db)
            .await
            .unwrap_err();
        let wrong = sql("select :name as id").bind("name", secret.clone());
        wrong.all::<(i64,)>(db).await.unwrap_err();
        let chosen = Author::query().filter(Author::name.eq(&*secret));
        let again = author();
        db.pipeline((chosen.clone(), chosen.set(Author::name, "x")))
            .await?
            .1?;
        db.transaction(async |tx| again.insert(tx).await)
            .await
            .unwrap_err();
        let told = format!("{}{}", seen.0.lock().unwrap(), capture.lines().join("\n"));
        assert!(
            told.contains("INSERT") && told.contains("rollback"),
            "{told}"
        );
        assert!(!told.contains(&*secret), "{told}");
        Ok(())
    });
    Ok(())
});
