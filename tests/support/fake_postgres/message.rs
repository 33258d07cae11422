//! The messages of a PostgreSQL server, as bytes, and what is no message.

/// A message: its tag, its length and its content.
pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    with_length(tag, i32::try_from(body.len() + 4).unwrap(), body)
}

/// A message that says it has another length; a right one counts itself, four bytes.
pub(crate) fn with_length(tag: u8, length: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// The server waits for statements: `I` idle, `T` in a transaction, `E` in one that failed.
pub(crate) fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

/// A setting of the session.
pub(crate) fn parameter(name: &str, value: &str) -> Vec<u8> {
    message(
        b'S',
        &[name.as_bytes(), &[0], value.as_bytes(), &[0]].concat(),
    )
}

/// An error with its code, such as `57P01`.
pub(crate) fn error(code: &str, text: &str) -> Vec<u8> {
    complaint(b'E', "ERROR", code, text)
}

/// A notice, which a server may send at any time.
pub(crate) fn notice(text: &str) -> Vec<u8> {
    complaint(b'N', "NOTICE", "00000", text)
}

/// The object ids of a statement's parameters.
pub(crate) fn parameter_types(types: &[i32]) -> Vec<u8> {
    let mut body = count(types.len());
    types.iter().for_each(|id| body.extend(id.to_be_bytes()));
    message(b't', &body)
}

/// The columns of the rows that follow: a name and the object id of a type each, in the binary format.
pub(crate) fn row_description(columns: &[(&str, i32)]) -> Vec<u8> {
    let mut body = count(columns.len());
    for (name, id) in columns {
        body.extend([name.as_bytes(), &[0]].concat());
        // Of no table, and so without a number in it.
        body.extend([0; 6]);
        body.extend(id.to_be_bytes());
        // The length of the type, its modifier, and the format.
        body.extend([255, 255, 255, 255, 255, 255, 0, 1]);
    }
    message(b'T', &body)
}

/// A row; `None` is null.
pub(crate) fn data_row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = count(cells.len());
    for cell in cells {
        let length = cell.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap());
        body.extend(length.to_be_bytes());
        body.extend(cell.unwrap_or_default());
    }
    message(b'D', &body)
}

/// A statement has ended, with a tag such as `SELECT 1`.
pub(crate) fn command_complete(tag: &str) -> Vec<u8> {
    message(b'C', &[tag.as_bytes(), &[0]].concat())
}

fn complaint(tag: u8, severity: &str, code: &str, text: &str) -> Vec<u8> {
    let body = format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0");
    message(tag, body.as_bytes())
}

fn count(number: usize) -> Vec<u8> {
    i16::try_from(number).unwrap().to_be_bytes().to_vec()
}
