//! Statements on rows of tenants, without a database and so without a tenant: a null stands for it.

use estoult::{Decimal, Schema, Value};
use insta::assert_snapshot;

use super::side_by_side;

/// What a customer pays.
#[derive(Debug, Clone, Schema)]
#[schema(table = "fees", has_many(parts: Part))]
struct Fee {
    id: i64,
    #[field(tenant)]
    customer: Customer,
    cents: i64,
}

/// What a fee is made of.
#[derive(Debug, Clone, Schema)]
#[schema(table = "parts", belongs_to(fee: Fee))]
struct Part {
    id: i64,
    fee_id: i64,
    #[field(tenant, rename = "customer of it")]
    customer: Customer,
    share: Decimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Value)]
#[value(postgres_enum = "customer")]
enum Customer {
    North,
    South,
}

#[test]
fn a_query_is_limited_to_the_tenant() {
    assert_snapshot!(side_by_side(&Fee::query().select(Fee::id).filter(Fee::cents.gt(100))), @r#"
    SQLite:
        SELECT "fees"."id" FROM "fees" WHERE "fees"."customer" = ? AND "fees"."cents" > ?
        [NULL, an integer]
    PostgreSQL:
        SELECT "fees"."id"
        FROM "fees"
        WHERE "fees"."customer" = (CAST($1 AS "customer")) AND "fees"."cents" > $2
        [NULL, an integer]
    MySQL, MariaDB:
        SELECT `fees`.`id` FROM `fees` WHERE `fees`.`customer` = ? AND `fees`.`cents` > ?
        [NULL, an integer]
    "#);
}

#[test]
fn alternatives_do_not_lead_out_of_the_tenant() {
    let either = Fee::cents.gt(100).or(Fee::cents.lt(10));
    assert_snapshot!(side_by_side(&Fee::query().select(Fee::id).filter(either)), @r#"
    SQLite:
        SELECT "fees"."id"
        FROM "fees"
        WHERE "fees"."customer" = ? AND ("fees"."cents" > ? OR "fees"."cents" < ?)
        [NULL, an integer, an integer]
    PostgreSQL:
        SELECT "fees"."id"
        FROM "fees"
        WHERE "fees"."customer" = (CAST($1 AS "customer")) AND ("fees"."cents" > $2 OR "fees"."cents" < $3)
        [NULL, an integer, an integer]
    MySQL, MariaDB:
        SELECT `fees`.`id`
        FROM `fees`
        WHERE `fees`.`customer` = ? AND (`fees`.`cents` > ? OR `fees`.`cents` < ?)
        [NULL, an integer, an integer]
    "#);
}

#[test]
fn a_subquery_is_limited_to_the_tenant() {
    let shared = Fee::parts.any(Part::share.gt(Decimal::ONE));
    assert_snapshot!(side_by_side(&Fee::query().select(Fee::id).filter(shared)), @r#"
    SQLite:
        SELECT "fees"."id"
        FROM "fees"
        WHERE "fees"."customer" = ? AND EXISTS(SELECT 1 FROM "parts" AS "estoult_1" WHERE
        "estoult_1"."fee_id" = "fees"."id" AND "estoult_1"."customer of it" = ? AND ("estoult_1"."share"
        COLLATE estoult_decimal) > ?)
        [NULL, NULL, a decimal number]
    PostgreSQL:
        SELECT "fees"."id"
        FROM "fees"
        WHERE "fees"."customer" = (CAST($1 AS "customer")) AND EXISTS(SELECT 1 FROM "parts" AS "estoult_1"
        WHERE "estoult_1"."fee_id" = "fees"."id" AND "estoult_1"."customer of it" = (CAST($2 AS "customer"))
        AND "estoult_1"."share" > $3)
        [NULL, NULL, a decimal number]
    MySQL, MariaDB:
        SELECT `fees`.`id`
        FROM `fees`
        WHERE `fees`.`customer` = ? AND EXISTS(SELECT 1 FROM `parts` AS `estoult_1` WHERE
        `estoult_1`.`fee_id` = `fees`.`id` AND `estoult_1`.`customer of it` = ? AND `estoult_1`.`share` > ?)
        [NULL, NULL, a decimal number]
    "#);
}
