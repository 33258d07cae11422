//! Files that are removed or replaced under the pool.

use std::{fs, time::Duration};

use super::{on_file, path, stranger};
use crate::{suite::transaction::put, support::schemas::create_tables};

#[test]
fn a_write_to_a_file_that_is_gone_is_an_error() {
    for is_replaced in [false, true] {
        on_file(
            |builder| builder.max_connections(2).ping_after(Duration::ZERO),
            async |db, fresh| {
                create_tables(db).await?;
                put(db, "kept").await?;
                let file = path(fresh);
                fs::rename(&file, file.with_extension("moved")).unwrap();
                if is_replaced {
                    stranger(fresh)
                        .execute_batch("create table other (id integer)")
                        .unwrap();
                }
                let error = put(db, "lost").await.unwrap_err();
                assert!(error.message().contains("no such table"), "{error}");
                Ok(())
            },
        );
    }
}
