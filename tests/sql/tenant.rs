//! Statements on rows of tenants, without a database and so without a tenant: a null stands for it.

use estoult::{Decimal, Schema, Value};

use super::assert_side_by_side;

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
    assert_side_by_side!(Fee::query().select(Fee::id).filter(Fee::cents.gt(100)));
}

#[test]
fn alternatives_do_not_lead_out_of_the_tenant() {
    let either = Fee::cents.gt(100).or(Fee::cents.lt(10));
    assert_side_by_side!(Fee::query().select(Fee::id).filter(either));
}

#[test]
fn a_subquery_is_limited_to_the_tenant() {
    let shared = Fee::parts.any(Part::share.gt(Decimal::ONE));
    assert_side_by_side!(Fee::query().select(Fee::id).filter(shared));
}
