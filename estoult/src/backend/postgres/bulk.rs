//! Inserting many rows with a binary COPY, in one flight with the question whether COPY means the same as INSERT here.
//!
//! It does for a plain table: no rules, no security of rows, no column that the database generates always. The types
//! of the columns decide about the form of the data, so the first insert into a table asks for them, and each flight
//! checks that they are the same: the server runs nothing of a flight behind a statement that failed.
//! Source of the format: "Binary Format" of "COPY" in PostgreSQL's manual.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use postgres_protocol::message::frontend;

use super::{
    bind::{Declared, oid, write_parameter},
    decode::{Columns, PostgresCells},
    flight::Failure,
    part::{Asking, Part},
    session::PostgresSession,
};
use crate::{
    backend::{CopyTarget, Statement},
    error::{Error, ErrorKind, Result},
    row::Cells,
    value::{Datum, DatumRef, Kind, Value},
};

/// The types of the columns, in their order; fewer where COPY would do something else than INSERT.
const QUESTION: &str = "select attribute.atttypid::int8 from pg_catalog.pg_attribute as attribute \
    where attribute.attrelid = to_regclass($1) and attribute.attname = any($2::name[]) and attribute.attnum > 0 \
    and attribute.attidentity <> 'a' and attribute.attgenerated = '' \
    and (select class.relkind in ('r', 'p') and not class.relrowsecurity and not class.relhasrules \
    from pg_catalog.pg_class as class where class.oid = to_regclass($1)) \
    order by array_position($2::name[], attribute.attname)";

/// Fails, with a division by zero, unless the question still has this answer. One scan of an index for each of the two
/// catalogs, since it is part of every flight.
const CHECK: &str = "select 1 / case when count(*) = cardinality($3) then 1 else 0 end \
    from pg_catalog.pg_attribute as attribute \
    where attribute.attrelid = to_regclass($1) and attribute.attname = any($2::name[]) and attribute.attnum > 0 \
    and attribute.attidentity <> 'a' and attribute.attgenerated = '' \
    and attribute.atttypid::int8 = ($3)[array_position($2::name[], attribute.attname)] \
    and (select class.relkind in ('r', 'p') and not class.relrowsecurity and not class.relhasrules \
    from pg_catalog.pg_class as class where class.oid = to_regclass($1))";
const CHECK_FAILED: &str = "22012";

/// The data begin with a signature, flags, and the length of an extension; they end with a row of -1 fields.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
/// How much of the data is in one message.
const CHUNK: usize = 64 * 1024;
/// The bytes of a CopyData before its data: tag and length.
const MESSAGE_HEADER: usize = 5;

impl PostgresSession {
    /// Inserts the rows; `None`, with nothing inserted, where INSERT has to do it.
    pub(super) async fn insert_by_copy(
        &mut self,
        target: &CopyTarget,
        values: &[Datum],
    ) -> Result<Option<u64>> {
        self.prepare_to_send()?;
        // A check that failed would abort the caller's transaction; one that has not begun yet is begun again.
        if self.wire.status.is_open() {
            return Ok(None);
        }
        let types = match self.database.tables.get(&target.statement) {
            Some(Some(types)) => types,
            Some(None) => return Ok(None),
            // One question at a time: another one waits for its answer, since its INSERT was not sent.
            None if self.asking.is_some() => return Ok(None),
            None => return self.ask_for_columns(target).map(|()| None),
        };
        if !values.chunks(types.len()).all(|row| row_fits(row, &types)) {
            return Ok(None);
        }
        let copy = Statement::plain(Arc::clone(&target.statement));
        loop {
            let deferred = std::mem::take(&mut self.deferred);
            let check = check(target, &types);
            let statements = [(&check, Declared::ByKind), (&copy, Declared::ByKind)];
            self.queue_closes();
            let mut parts = self.queue_all(&deferred, &statements)?;
            let Err(failure) = self.copy_rows_once(&mut parts, &types, values).await else {
                return Ok(parts.last().map(Part::rows_affected));
            };
            match &failure {
                Failure::Answer(answer, at)
                    if *at == deferred.len() && answer.code == CHECK_FAILED =>
                {
                    self.database.tables.forget(&target.statement);
                    return self.begin_again(deferred).await.map(|()| None);
                }
                // Nothing was run: what the server does not have any more is prepared again.
                Failure::Answer(answer, at)
                    if parts.get(*at).is_some_and(|part| part.is_stale(answer)) =>
                {
                    self.fail_flight(failure, &parts, &copy);
                    self.begin_again(deferred).await?;
                }
                // As after an INSERT whose values can't be written, the transaction goes on.
                Failure::Own(_) => {
                    self.begin_again(deferred).await?;
                    return Err(self.fail(failure, &copy));
                }
                Failure::Answer(..) | Failure::Lost(_) => return Err(self.fail(failure, &copy)),
            }
        }
    }

    /// Asks for the types of the columns, once a database: the question travels with the INSERT that follows.
    fn ask_for_columns(&mut self, target: &CopyTarget) -> Result<()> {
        let mut question = Statement::plain(QUESTION);
        question.values = names(target);
        let part = self.queue(&question, Declared::ByKind)?;
        self.wire.queue_sync();
        self.asking = Some(Asking {
            part,
            target: target.clone(),
        });
        Ok(())
    }

    /// Takes the answer to the question for columns, which comes before all others.
    pub(super) async fn take_asked(&mut self) -> Result<(), Failure> {
        let Some(Asking { part, target }) = self.asking.take() else {
            return Ok(());
        };
        let mut types = Vec::new();
        let mut take_row = |columns: &Columns, body: &[u8]| {
            let id = PostgresCells::new(body, columns).map(|cells| cells.get(0).map(id_of));
            types.extend(id.and_then(Result::ok).flatten());
            Ok(())
        };
        let mut parts = [part];
        match self.read_answers(&mut parts, &[], &mut take_row).await {
            Ok(_) => {}
            Err(Failure::Lost(error)) => return Err(Failure::Lost(error)),
            // What the server refuses now it may answer the next time; until then INSERT does it.
            Err(failure) => {
                self.fail_flight(failure, &parts, &Statement::plain(QUESTION));
                return Ok(());
            }
        }
        let is_plain = types.len() == target.columns.len() && types.iter().all(|id| has_form(*id));
        let known = is_plain.then(|| types.into());
        self.database.tables.add(&target.statement, known);
        Ok(())
    }

    /// One flight: what was deferred and the check, which are queued, and COPY with its data.
    async fn copy_rows_once(
        &mut self,
        parts: &mut [Part],
        types: &[u32],
        values: &[Datum],
    ) -> Result<(), Failure> {
        if let Some(copying) = parts.last_mut() {
            copying.sends_data = true;
        }
        self.wire.open_unit_unflushed();
        let written = self.write_data(types, values).await;
        match &written {
            Ok(()) => self.wire.close_unit(),
            // Nothing of a COPY that failed is kept.
            Err(Failure::Own(_)) => self.wire.abandon_unit()?,
            Err(Failure::Lost(_) | Failure::Answer(..)) => return written,
        }
        let answered = self.answers(parts, &[], &mut |_, _| Ok(())).await;
        written.and(answered)
    }

    async fn write_data(&mut self, types: &[u32], values: &[Datum]) -> Result<(), Failure> {
        let mut chunk = Chunk::begin(&mut self.wire.out);
        self.wire.out.put_slice(HEADER);
        for row in values.chunks(types.len()) {
            if let Err(failure) = write_row(&mut self.wire.out, row, types) {
                self.wire.out.truncate(chunk.begin);
                return Err(failure);
            }
            if chunk.length(&self.wire.out) >= CHUNK {
                chunk.end(&mut self.wire.out);
                // What the server refuses it reports at the end; the rest of the data it ignores.
                self.wire.flush().await?;
                chunk = Chunk::begin(&mut self.wire.out);
            }
        }
        self.wire.out.put_i16(TRAILER);
        chunk.end(&mut self.wire.out);
        frontend::copy_done(&mut self.wire.out);
        Ok(())
    }
}

/// A CopyData that is being written; its length is known at its end.
struct Chunk {
    begin: usize,
}

impl Chunk {
    fn begin(out: &mut BytesMut) -> Self {
        let begin = out.len();
        out.put_slice(&[b'd', 0, 0, 0, 0]);
        Self { begin }
    }

    fn length(&self, out: &BytesMut) -> usize {
        out.len() - self.begin - MESSAGE_HEADER
    }

    fn end(self, out: &mut BytesMut) {
        // The length counts itself, but not the tag.
        let length = u32::try_from(out.len() - self.begin - 1).unwrap_or(u32::MAX);
        out[self.begin + 1..self.begin + MESSAGE_HEADER].copy_from_slice(&length.to_be_bytes());
    }
}

/// The check whether the columns still have these types.
fn check(target: &CopyTarget, types: &[u32]) -> Statement {
    let ids = types.iter().map(|id| Datum::Int(i64::from(*id)));
    let mut check = Statement::plain(CHECK);
    check.values = names(target);
    check.values.push(Datum::List(Kind::Int64, ids.collect()));
    check
}

fn names(target: &CopyTarget) -> Vec<Datum> {
    let columns = target.columns.iter().cloned().map(Datum::Text);
    vec![
        Datum::Text(target.table.clone()),
        Datum::List(Kind::Text, columns.collect()),
    ]
}

fn id_of(datum: DatumRef<'_>) -> Option<u32> {
    match datum {
        DatumRef::Int(id) => u32::try_from(id).ok(),
        _ => None,
    }
}

/// Whether values of this type are written here.
fn has_form(id: u32) -> bool {
    const FORMS: [u32; 17] = [
        oid::BOOL.0,
        oid::INT2.0,
        oid::INT4.0,
        oid::INT8.0,
        oid::FLOAT4.0,
        oid::FLOAT8.0,
        oid::TEXT.0,
        oid::VARCHAR,
        oid::BYTEA.0,
        oid::UUID.0,
        oid::NUMERIC.0,
        oid::DATE.0,
        oid::TIME.0,
        oid::TIMESTAMP.0,
        oid::TIMESTAMPTZ.0,
        oid::JSON.0,
        oid::JSONB.0,
    ];
    FORMS.contains(&id)
}

/// Whether each value has the form of its column; the others INSERT casts, or refuses in the server's words.
fn row_fits(row: &[Datum], types: &[u32]) -> bool {
    row.iter().zip(types).all(|(datum, id)| fits(datum, *id))
}

fn fits(datum: &Datum, id: u32) -> bool {
    match datum {
        Datum::Null(_) => true,
        Datum::Int(value) => match id {
            id if id == oid::INT8.0 => true,
            id if id == oid::INT4.0 => i32::try_from(*value).is_ok(),
            id if id == oid::INT2.0 => i16::try_from(*value).is_ok(),
            _ => false,
        },
        Datum::Float(value) => {
            let narrow = f32::from_datum(DatumRef::Float(*value)).map(f64::from);
            let is_exact = narrow.is_ok_and(|narrow| narrow.to_bits() == value.to_bits());
            id == oid::FLOAT8.0 || id == oid::FLOAT4.0 && is_exact
        }
        Datum::Bool(_) => id == oid::BOOL.0,
        Datum::Text(text) => {
            (id == oid::TEXT.0 || id == oid::VARCHAR) && !text.as_bytes().contains(&0)
        }
        Datum::Bytes(_) => id == oid::BYTEA.0,
        Datum::Uuid(_) => id == oid::UUID.0,
        Datum::Decimal(_) => id == oid::NUMERIC.0,
        Datum::Date(_) => id == oid::DATE.0,
        Datum::Time(_) => id == oid::TIME.0,
        Datum::DateTime(_) => id == oid::TIMESTAMP.0,
        Datum::Timestamp(_) => id == oid::TIMESTAMPTZ.0,
        Datum::Json(_) => id == oid::JSONB.0 || id == oid::JSON.0,
        Datum::UInt(_) | Datum::Enum(..) | Datum::List(..) => false,
    }
}

/// The number of fields, and each field with its length before it.
fn write_row(out: &mut BytesMut, row: &[Datum], types: &[u32]) -> Result<(), Failure> {
    let count = i16::try_from(row.len()).unwrap_or(i16::MAX);
    out.put_i16(count);
    for (datum, id) in row.iter().zip(types) {
        let begin = out.len();
        out.put_i32(-1);
        if datum.is_null() {
            continue;
        }
        write_field(out, datum, *id).map_err(|error| {
            let message = format!("bind a parameter: {error}");
            Failure::Own(Error::new(ErrorKind::Decode, message))
        })?;
        let length = u32::try_from(out.len() - begin - 4).unwrap_or(u32::MAX);
        out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn write_field(
    out: &mut BytesMut,
    datum: &Datum,
    id: u32,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match datum {
        Datum::Int(value) if id == oid::INT2.0 => out.put_i16(i16::try_from(*value)?),
        Datum::Int(value) if id == oid::INT4.0 => out.put_i32(i32::try_from(*value)?),
        Datum::Float(value) if id == oid::FLOAT4.0 => {
            out.put_f32(f32::from_datum(DatumRef::Float(*value))?);
        }
        // Without the version of jsonb's binary form.
        Datum::Json(text) if id == oid::JSON.0 => out.put_slice(text.as_bytes()),
        datum => {
            write_parameter(out, datum, id)?;
        }
    }
    Ok(())
}
