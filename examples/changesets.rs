//! Untrusted input on its way into a table: cast, checked, refused with one error a field, accepted.

use std::collections::HashMap;

use estoult::{Changeset, Params, Registry, Result, Schema, batch};

#[derive(Debug, Clone, Schema)]
struct Account {
    id: i64,
    name: String,
    #[field(unique)]
    email: String,
    age: Option<i32>,
    #[field(default = false)]
    is_admin: bool,
}

const TABLES: &str = "create table accounts (
    id integer primary key,
    name text not null,
    email text not null unique,
    age integer,
    is_admin integer not null
)";

/// A user who registers may set these three columns and no other.
fn registration(form: &impl Params) -> Changeset<Account> {
    Account::changeset()
        .cast(
            form,
            [
                Account::name.name(),
                Account::email.name(),
                Account::age.name(),
            ],
        )
        .required(Account::name)
        .required(Account::email)
        .max_length(Account::name, 40)
        .format(Account::email, "^[^@ ]+@[^@ ]+$")
        .range(Account::age, 18..)
        .unique(Account::email)
}

#[tokio::main]
async fn main() -> Result<()> {
    let registry = Registry::builder("sqlite::memory:").build()?;
    let lifespan = registry.connect().await?;
    batch(&registry, TABLES).await?;

    let forms = [
        HashMap::from([("name", ""), ("email", "nobody"), ("age", "twelve")]),
        HashMap::from([
            ("name", "Ada"),
            ("email", "ada@example.com"),
            ("is_admin", "true"),
        ]),
        HashMap::from([("name", "Another Ada"), ("email", "ada@example.com")]),
    ];
    for form in forms {
        match registration(&form).insert(&registry).await {
            Ok(account) => println!("welcome: {account:?}"),
            Err(error) if error.is_invalid() => {
                for field in error.fields() {
                    println!("refused: {field} (code {:?})", field.code());
                }
            }
            Err(error) => return Err(error),
        }
    }
    lifespan.close().await
}
