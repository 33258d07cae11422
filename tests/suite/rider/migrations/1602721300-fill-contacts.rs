//! Fill the contacts.

use apocryphan::rider::{Step, step};
use estoult::{Transaction, sql};

pub const DEPENDS: &[&str] = &["1602721237-add-contacts"];

pub fn steps() -> Vec<Step> {
    vec![
        step("insert into contacts (id) values (1)").rollback("delete from contacts where id = 1"),
        step(add).rollback(remove),
    ]
}

async fn add(tx: &Transaction) -> estoult::Result<()> {
    sql("insert into contacts (id) values (:id)").bind("id", 2).execute(tx).await?;
    Ok(())
}

async fn remove(tx: &Transaction) -> estoult::Result<()> {
    sql("delete from contacts where id = :id").bind("id", 2).execute(tx).await?;
    Ok(())
}
