//! Transfers between accounts: committed, rolled back with a reason, rolled back to a savepoint, retried.

use estoult::{Error, Isolation, Reads, Registry, Result, Schema, Transaction, batch, new};

#[derive(Debug, Clone, Schema)]
struct Account {
    id: i64,
    owner: String,
    balance: i64,
}

const TABLES: &str = "create table accounts (
    id integer primary key,
    owner text not null,
    balance integer not null
)";

#[tokio::main]
async fn main() -> Result<()> {
    let registry = Registry::builder("sqlite::memory:").build()?;
    let lifespan = registry.connect().await?;
    batch(&registry, TABLES).await?;
    for owner in ["Ada", "Grace"] {
        new!(Account {
            owner: owner.to_owned(),
            balance: 100
        })
        .insert(&registry)
        .await?;
    }

    registry
        .transaction(async |tx| transfer(tx, "Ada", "Grace", 30).await)
        .await?;
    println!("after a transfer:   {:?}", balances(&registry).await?);

    let refused = registry
        .transaction(async |tx| transfer(tx, "Ada", "Grace", 500).await)
        .await;
    println!(
        "refused:            {:?}",
        refused.map_err(|error| error.message().to_owned())
    );
    println!("after the refusal:  {:?}", balances(&registry).await?);

    keep_a_part(&registry).await?;
    println!("after a savepoint:  {:?}", balances(&registry).await?);

    // With concurrent programs: the work is retried if another transaction was faster.
    registry
        .default_database()
        .transaction_with()
        .isolation(Isolation::Serializable)
        .retries(5)
        .run(async |tx| transfer(tx, "Grace", "Ada", 10).await)
        .await?;
    println!("after the last one: {:?}", balances(&registry).await?);
    lifespan.close().await
}

/// Takes from one account and adds to another, or neither.
async fn transfer(tx: &Transaction, from: &str, to: &str, amount: i64) -> Result<()> {
    let from = account(tx, from).await?;
    from.change()
        .put(Account::balance, from.balance - amount)
        .update(tx)
        .await?;
    if from.balance < amount {
        return Err(Error::custom(format!(
            "{} has only {}",
            from.owner, from.balance
        )));
    }
    let to = account(tx, to).await?;
    to.change()
        .put(Account::balance, to.balance + amount)
        .update(tx)
        .await?;
    Ok(())
}

/// The first transfer stays, the savepoint rolls back the second one, and the transaction continues.
async fn keep_a_part(registry: &Registry) -> Result<()> {
    let tx = registry.default_database().begin().await?;
    transfer(&tx, "Ada", "Grace", 5).await?;
    let nested = tx
        .transaction(async |tx| transfer(tx, "Ada", "Grace", 500).await)
        .await;
    println!(
        "in a savepoint:     {:?}",
        nested.map_err(|error| error.message().to_owned())
    );
    tx.commit().await
}

/// Works on a database and in a transaction alike.
async fn account(on: &impl Reads, owner: &str) -> Result<Account> {
    Account::query()
        .filter(Account::owner.eq(owner))
        .one(on)
        .await
}

async fn balances(registry: &Registry) -> Result<Vec<(String, i64)>> {
    Account::query()
        .order_by(Account::owner.asc())
        .select((Account::owner, Account::balance))
        .all(registry)
        .await
}
